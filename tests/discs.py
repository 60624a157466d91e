"""Photos of a disc on noise, whose boxes are known: the object that tests of learning look for."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tvcli.core.boxes import Box

SIZE = (192, 160)


def disc(seed: int) -> tuple[Image.Image, Box]:
    """Return a disc on noise, and its box."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 90, (20, 24, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)
    side = int(rng.integers(50, 90))
    x, y = int(rng.integers(0, SIZE[0] - side)), int(rng.integers(0, SIZE[1] - side))
    box = (float(x), float(y), float(x + side), float(y + side))
    ImageDraw.Draw(photo).ellipse(box, fill=(250, 210, 30), outline=(200, 20, 20), width=6)
    return photo, box


def write_discs(folder: Path, count: int) -> dict[str, Box]:
    """Write `photos/` into a folder; return the boxes by the photos' names there, in order."""
    (folder / "photos").mkdir()
    boxes = {}
    for seed in range(count):
        photo, boxes[f"{seed:02}.png"] = disc(seed)
        photo.save(folder / "photos" / f"{seed:02}.png")
    return boxes


def write_boxes(file: Path, boxes: dict[str, Box]) -> None:
    """Write boxes of photos in `photos/` beside a file as `tv annotate boxes` does."""
    about = {"width": SIZE[0], "height": SIZE[1], "label": "disc"}
    lines = (
        json.dumps({"image": f"photos/{name}", "box": box} | about) for name, box in boxes.items()
    )
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
