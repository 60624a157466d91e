"""What locating costs beside the bare forward passes, and what teaching it costs.

    python scripts/bench/locate.py [--photos 12] [--crops 10000] [--backbone mini]

Locating and the same forward passes take turns, photo by photo, on one thread, so that other load
on the machine falls on both. Teaching runs in a process of its own, whose peak memory is read.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from tvcli.core.backbones.loading import Backbone
from tvcli.core.encoding.encoder import Encoder, make_encoder
from tvcli.core.files.artifacts import write_artifact
from tvcli.core.images.photo import Photo, decode_photo
from tvcli.core.location.locate import LocateSettings, Locator
from tvcli.core.location.location_heads import (
    load_boxes,
    load_classifier,
    teach_boxes,
    teach_classifier,
)
from tvcli.core.reports import Report
from tvcli.demo.drawing import draw_collection

ROUNDS = 3
SPLITS = ("train",) * 19 + ("test",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--crops", type=int, default=10_000)
    parser.add_argument("--backbone", default="mini")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--teach", choices=("classifier", "boxes"))
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.teach:
        print(json.dumps(teach(given.teach, given.file)))
        return
    torch.set_num_threads(1)
    encoder = make_encoder(given.backbone, weights=given.weights, device="cpu")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_crops(folder / "few.h5", encoder, 400)
        for kind in ("classifier", "boxes"):
            teach(kind, folder / "few.h5")
        photos = draw_photos(folder, given.photos)
        for settings in (LocateSettings(0.0), LocateSettings(0.0, combine="cluster")):
            print(json.dumps(compare(folder, encoder, photos, settings)), flush=True)
        write_crops(folder / "many.h5", encoder, given.crops)
        for kind in ("classifier", "boxes"):
            command = [sys.executable, __file__, "--teach", kind, "--file", folder / "many.h5"]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(out.strip(), flush=True)


def draw_photos(folder: Path, count: int) -> list[Photo]:
    records = draw_collection(folder, garments=count, photos_each=1, size=640)
    return [decode_photo((folder / str(record["image"])).read_bytes()) for record in records]


def write_crops(path: Path, encoder: Encoder, count: int) -> None:
    """Write encodings of noise, of the shape that crops have: timings do not depend on values."""
    rng = np.random.default_rng(0)
    size = encoder.settings.size
    shape = encoder.encode([np.zeros((size, size, 3), np.uint8)]).shape[1:]
    settings = {"encoder": encoder.spec, "weights_file": encoder.weights_file}
    with write_artifact(path, "encodings", settings, {}) as writer:
        for start in range(0, count, 200):
            rows = range(start, min(start + 200, count))
            boxes = np.sort(rng.uniform(0, 100, (len(rows), 2, 2)), axis=1).reshape(-1, 4)
            writer.append(
                {
                    "encodings": rng.standard_normal((len(rows), *shape)).astype(np.float16),
                    "image": [f"{row // 10}.jpg" for row in rows],
                    "region": np.tile([0.0, 0.0, 100.0, 100.0], (len(rows), 1)),
                    "digest": [""] * len(rows),
                    "box": boxes + np.array([0, 0, 1, 1]),
                    "label": ["object"] * len(rows),
                    "split": [SPLITS[row // 10 % 20] for row in rows],
                    "target": [("target", "background")[row % 2] for row in rows],
                }
            )


def teach(kind: str, crops: Path) -> dict[str, object]:
    run = {"classifier": teach_classifier, "boxes": teach_boxes}[kind]
    started = time.perf_counter()
    found = run(crops, crops.with_name(f"{kind}.h5"), {}, seed=0, report=Report())
    return {
        "what": f"train-{kind}",
        "crops": found.crops,
        "epochs": len(found.history.losses) - 1,
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


class Recording(Backbone):
    """A backbone that notes what it is given."""

    def __init__(self, backbone: Backbone) -> None:
        self.__dict__.update(backbone.__dict__)
        self.seen: list[torch.Tensor] = []

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        self.seen.append(pixels)
        return super().__call__(pixels)


def compare(
    folder: Path, encoder: Encoder, photos: list[Photo], settings: LocateSettings
) -> dict[str, object]:
    heads = load_classifier(folder / "classifier.h5"), load_boxes(folder / "boxes.h5")
    recording = Recording(encoder.backbone)
    passes = []
    for photo in photos:
        recording.seen = []
        watched = Encoder(recording, encoder.settings)
        Locator(watched, *heads, settings).locate(photo)
        passes.append(recording.seen)
    locator = Locator(encoder, *heads, settings)
    bare, whole = [], []
    for _ in range(ROUNDS):
        for photo, seen in zip(photos, passes, strict=True):
            started = time.perf_counter()
            for pixels in seen:
                encoder.backbone(pixels)
            middle = time.perf_counter()
            locator.locate(photo)
            bare.append(middle - started)
            whole.append(time.perf_counter() - middle)
    ratios = [w / b for w, b in zip(whole, bare, strict=True)]
    return {
        "what": f"locate --combine {settings.combine}",
        "forward_passes": len(passes[0]),
        "bare_ms": round(1000 * statistics.median(bare), 1),
        "locate_ms": round(1000 * statistics.median(whole), 1),
        "ratio": round(statistics.median(ratios), 3),
    }


if __name__ == "__main__":
    main()
