"""The training photos, decoded once: tiny-imagenet with labels, the other sets without."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (H, W, 3)

# Only what is meant for training: never a validation photo, never a query.
UNLABELLED = {
    "clothing": "clothing/train/*/*",
    "grocery": "grocery/train/*/*",
    "paintings": "paintings/bbdd/*.jpg",
    "raccoon": "raccoon/images/*",
}
TINY = "tiny-imagenet/tiny-imagenet-35k.zip"
SYNSETS = "weights/synset_words.txt"


@dataclass(frozen=True)
class Photos:
    """One set: its photos, and for each its ImageNet class (0..999) or -1."""

    pixels: list[Pixels]
    classes: list[int]


def decoded(source: Path | io.BytesIO) -> Pixels:
    """Return the photo as (H, W, 3) uint8."""
    with Image.open(source) as image:
        return np.asarray(image.convert("RGB"))


def class_of_synset(data: Path) -> dict[str, int]:
    """Return the ImageNet class index of each WordNet id."""
    lines = (data / SYNSETS).read_text().splitlines()
    return {line.split()[0]: index for index, line in enumerate(lines)}


def tiny_imagenet(data: Path) -> Photos:
    """Return the 32,000 labelled training photos, 64x64."""
    index = class_of_synset(data)
    with zipfile.ZipFile(data / TINY) as archive:
        names = sorted(n for n in archive.namelist() if n.startswith("train/") and n[-1] != "/")
        pixels = [decoded(io.BytesIO(archive.read(name))) for name in names]
    return Photos(pixels, [index[name.split("/")[1]] for name in names])


def unlabelled(data: Path, pattern: str) -> Photos:
    """Return the photos that match the pattern."""
    paths = sorted(path for path in data.glob(pattern) if path.is_file())
    return Photos([decoded(path) for path in paths], [-1] * len(paths))


def training_photos(data: Path) -> dict[str, Photos]:
    """Return every set by name."""
    sets = {name: unlabelled(data, pattern) for name, pattern in UNLABELLED.items()}
    return {"tiny": tiny_imagenet(data), **sets}
