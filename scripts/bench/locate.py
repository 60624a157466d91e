"""What locating costs, and what it finds for that: a curve, and whole processes.

    python -m scripts.bench.locate curve boxes.jsonl heads/ [--splits 0,1]
    python -m scripts.bench.locate processes photos/ heads/ [--rounds 3]
    python -m scripts.bench.locate reuse photos/ heads/

`heads/` is what scripts/bench/location_splits.py wrote. `curve` counts the passes of a window
through the network, which do not depend on other load, and gives the mean IoU, with an interval of
95 % by resampling photos, over the photos with one box that a split held out. `processes` runs `tv`
and `import torch` in turns and gives CPU seconds and peak memory. `reuse` tells how far the part of
a look's map that lies in the box is from the map of the box itself, pooled, as a cosine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scripts.bench.location_splits import is_tested
from tvcli.core.boxes import Box, as_box, enlarge, iou
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.files.records import read_record_file
from tvcli.core.images.arrays import unit
from tvcli.core.images.photo import Photo, decode_photo, view
from tvcli.core.location.efforts import EFFORTS, Effort
from tvcli.core.location.locate import Locator
from tvcli.core.location.locating import load_locator

AT_ONCE = 8  # photos
RESAMPLED = 2000
ALL = (0.0, 1.0, 2.0)
Words = Sequence[str | Path]  # of a command line
CHOICES: dict[str, Effort] = {
    **{str(name): effort for name, effort in EFFORTS.items()},
    "1.3": Effort(ALL, True, (((1.3, False),),)),
    "1.4, 1.4m": Effort(ALL, True, (((1.4, False), (1.4, True)),)),
    "1.25, 1.6m": Effort(ALL, True, (((1.25, False), (1.6, True)),)),
    "1.6; 1.25": Effort(ALL, True, (((1.6, False),), ((1.25, False),))),
    "all four": Effort(ALL, True, EFFORTS["thorough"].looks[:1]),
    "every scale, 1.4": Effort(ALL, False, EFFORTS["normal"].looks),
}


class Counting:
    """A network that counts the pixels it is given."""

    on_cpu = True

    def __init__(self, network: Any) -> None:
        self._network, self.pixels, self.stride = network, 0, network.stride

    def rows(self, pixels: npt.NDArray[np.uint8], pool: Callable[[Any], Any]) -> Any:
        self.pixels += pixels[..., 0].size
        return self._network.rows(pixels, pool)


def tested_photos(boxes: Path, split: int) -> list[tuple[Photo, Box]]:
    """Return the photos with one box that a split held out."""
    found: defaultdict[str, list[Box]] = defaultdict(list)
    for record, _ in read_record_file(boxes):
        found[record["image"]].append(as_box(record["box"]))
    single = {image: own[0] for image, own in found.items() if len(own) == 1}
    return [
        (decode_photo((boxes.parent / image).read_bytes()), box)
        for image, box in single.items()
        if is_tested(image, split)
    ]


def measured(
    photos: list[tuple[Photo, Box]], heads: tuple[Path, Path], effort: Effort
) -> tuple[list[float], float]:
    """Return the IoU of each photo, 0 where nothing is found, and the passes per photo."""
    EFFORTS["normal"] = effort
    made = load_locator(*heads, device="cpu")
    counting: Any = Counting(made.encoder.network)
    locator = Locator(Encoder(counting, made.encoder.settings), made.heads)
    size = locator.encoder.settings.size
    ious = []
    for start in range(0, len(photos), AT_ONCE):
        block = photos[start : start + AT_ONCE]
        located = locator.locate_all([photo for photo, _ in block])
        ious += [
            iou(own[0].box, box) if own else 0.0
            for own, (_, box) in zip(located, block, strict=True)
        ]
    return ious, counting.pixels / size**2 / len(photos)


def curve(boxes: Path, folder: Path, splits: list[int]) -> None:
    photos = {split: tested_photos(boxes, split) for split in splits}
    for name, effort in CHOICES.items():
        ious, passes = [], []
        for split in splits:
            heads = folder / f"classifier-{split}.h5", folder / f"boxes-{split}.h5"
            own, cost = measured(photos[split], heads, effort)
            ious.append(own)
            passes.append(cost)
        low, high = interval(np.concatenate(ious))
        figures = {
            "what": name,
            "passes": round(float(np.mean(passes)), 2),
            "mean_iou": round(float(np.mean(np.concatenate(ious))), 4),
            "interval": [low, high],
            "by_split": [round(float(np.mean(own)), 3) for own in ious],
        }
        print(json.dumps(figures), flush=True)


def interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return where 95 % of the means of resampled values lie."""
    chosen = np.random.default_rng(0).integers(0, len(values), (RESAMPLED, len(values)))
    low, high = np.quantile(values[chosen].mean(1), [0.025, 0.975])
    return round(float(low), 3), round(float(high), 3)


def processes(photos: Path, folder: Path, rounds: int) -> None:
    tv = Path(sys.executable).with_name("tv")
    heads: Words = ["--classifier", folder / "classifier-0.h5", "--boxes", folder / "boxes-0.h5"]
    query = next(file for file in sorted(photos.iterdir()) if file.suffix in (".jpg", ".png"))
    with tempfile.TemporaryDirectory() as name:
        index = Path(name, "located.tvx")
        subprocess.run([tv, "index", photos, *heads, "-o", index, "-q"], check=True)
        commands: dict[str, Words] = {
            "encode": [tv, "encode", photos, "-o", Path(name, "e.h5"), "-q"],
            "locate": [tv, "locate", photos, *heads, "-o", Path(name, "l.jsonl"), "-q"],
            "locate --fast": [tv, "locate", photos, *heads, "--fast", "-o", os.devnull, "-q"],
            "import torch": [sys.executable, "-c", "import torch"],
            "search": [tv, "search", query, "-i", index],
        }
        for _ in range(rounds):
            for what, command in commands.items():
                Path(name, "e.h5").unlink(missing_ok=True)
                print(json.dumps({"what": what, **spent(command)}), flush=True)


def reuse(photos: Path, folder: Path) -> None:
    locator = load_locator(folder / "classifier-0.h5", folder / "boxes-0.h5", device="cpu")
    network, size = locator.encoder.network, locator.encoder.settings.size
    own, looked = [], []
    for file in sorted(photos.iterdir()):
        photo = decode_photo(file.read_bytes())
        for found in locator.locate(photo):
            look = enlarge(found.box, EFFORTS["normal"].looks[0][0][0], photo.width, photo.height)
            pixels = np.stack([view(photo, part, size, "squash") for part in (found.box, look)])
            whole, around = network.rows(pixels, lambda maps: maps)  # (C, h, w) each
            inside = around[:, *(cells(found.box, look, around.shape[1:]))]
            own.append(pool_maps(whole[None], network.spec.pool)[0])
            looked.append(pool_maps(np.ascontiguousarray(inside)[None], network.spec.pool)[0])
    first, second = unit(np.stack(own)), unit(np.stack(looked))  # (N, D)
    others = first @ first.T - 2 * np.eye(len(first))
    figures = {"objects": len(first), "pool": network.spec.pool}
    for what, cosines in (("same", (first * second).sum(1)), ("nearest", others.max(1))):
        low, middle, high = np.quantile(cosines, [0.05, 0.5, 0.95]).round(3).tolist()
        figures |= {what: {"median": middle, "90 %": [low, high]}}
    print(json.dumps(figures))


def cells(box: Box, look: Box, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of a look's map whose middles lie in a box."""
    found = []
    for axis, count in ((1, shape[0]), (0, shape[1])):
        middles = (np.arange(count) + 0.5) / count * (look[axis + 2] - look[axis]) + look[axis]
        inside = np.flatnonzero((middles >= box[axis]) & (middles < box[axis + 2]))
        found.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return found[0], found[1]


def spent(command: Words) -> dict[str, float]:
    """Run a command; return its CPU seconds and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command[:2]}: failed")
    cpu = usage.ru_utime + usage.ru_stime
    return {"cpu_seconds": round(cpu, 2), "peak_mib": usage.ru_maxrss // 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("curve", "processes", "reuse"))
    parser.add_argument("photos", type=Path)
    parser.add_argument("heads", type=Path)
    parser.add_argument("--splits", default="0,1")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.what == "curve":
        curve(given.photos, given.heads, [int(split) for split in given.splits.split(",")])
    elif given.what == "reuse":
        reuse(given.photos, given.heads)
    else:
        processes(given.photos, given.heads, given.rounds)


if __name__ == "__main__":
    main()
