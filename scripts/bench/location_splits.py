"""Splits of boxed photos by hash, and heads taught on each: what locate.py measures on.

    python -m scripts.bench.location_splits crops.h5 work/ [--splits 5]

`crops.h5` are the encoded crops of all photos. Each split holds a quarter of the photos out, which
no head of it has seen; of the others a twentieth stops the training and sets the threshold.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.files.artifacts import open_artifact, write_artifact
from tvcli.core.reports import Report

TESTED, STOPPING = 0.25, 0.05
ROWS_AT_ONCE = 256


def place(image: str, split: int, what: str) -> float:
    """Return where a photo falls, 0 to 1, by its name without its folder."""
    content = f"{what}:{split}:{Path(image).name}".encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest()) / 2**64


def is_tested(image: str, split: int) -> bool:
    """Tell whether a photo is held out in a split."""
    return place(image, split, "tested") < TESTED


def teach_split(crops: Path, folder: Path, split: int) -> tuple[Path, Path]:
    """Return the classifier and the boxes' nets of a split, taught unless they are there."""
    from tvcli.core.location.location_heads import teach_boxes, teach_classifier  # loads torch

    heads = folder / f"classifier-{split}.h5", folder / f"boxes-{split}.h5"
    if not all(head.exists() for head in heads):
        folder.mkdir(parents=True, exist_ok=True)
        own = folder / f"crops-{split}.h5"
        write_split(crops, own, split)
        teach_classifier(own, heads[0], {}, seed=0, report=Report())
        teach_boxes(own, heads[1], {}, seed=0, report=Report())
        own.unlink()
    return heads


def write_split(crops: Path, target: Path, split: int) -> None:
    """Write the crops of the photos that a split learns from."""
    with open_artifact(crops, "encodings") as file:
        settings = file.settings
        with write_artifact(target, "encodings", settings, {}) as writer:
            for rows in file.blocks(ROWS_AT_ONCE):
                columns = file.read_columns(rows)
                kept = [n for n, i in enumerate(columns["image"]) if not is_tested(i, split)]
                own = {name: taken(values, kept) for name, values in columns.items()}
                stops = [place(image, split, "stopping") < STOPPING for image in own["image"]]
                own["split"] = ["test" if stop else "train" for stop in stops]
                if kept:
                    writer.append(own)


def taken(values: Any, rows: list[int]) -> Any:
    """Return some rows of a column, which is an array or a list."""
    return values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=5)
    given = parser.parse_args()
    for split in range(given.splits):
        print(*teach_split(given.crops, given.folder, split), flush=True)


if __name__ == "__main__":
    main()
