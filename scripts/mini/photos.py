"""The training photos: files and members of an archive, with their ImageNet class where known."""

import io
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (H, W, 3)

TINY = "tiny-imagenet/tiny-imagenet-35k.zip"
SYNSETS = "weights/synset_words.txt"
CLOTHES = "clothing/train"  # only what is meant for training: never a validation photo
SYNSET = re.compile(r"n\d{8}")
# How often a photo of a set is drawn in each round; 1 for the others. A shelf's products and
# fabrics differ in detail, and there are few of them; the 64 pixels of tiny-imagenet have none.
TIMES = {"tiny": 0.3, "marcusklasson+GroceryStoreDataset": 3.0, "clothes": 2.0}


@dataclass(frozen=True)
class Photo:
    """One photo: its file, or its name in an archive; its set, its class or -1, its kind or -1."""

    path: Path
    member: str | None
    source: str
    label: int
    kind: int = -1  # a number of its set and its folder there


@dataclass(frozen=True)
class Photos:
    """All of them, in the order of their paths."""

    listed: list[Photo]
    archive: Path

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Return the numbers of the photos of one round in random order, each as often as told."""
        rng = np.random.default_rng(0)
        times = np.array([TIMES.get(photo.source, 1.0) for photo in self.listed])
        often = np.floor(times + rng.random(len(times))).astype(np.int64)
        return rng.permutation(np.repeat(np.arange(len(times)), often))

    @cached_property
    def opened(self) -> zipfile.ZipFile:
        """Return the archive, opened once in each process."""
        return zipfile.ZipFile(self.archive)

    def decoded(self, number: int, side: int) -> Image.Image:
        """Return a photo as RGB, its shorter side not much more than twice what is asked for."""
        photo = self.listed[number]
        read = photo.path.read_bytes
        content = read() if photo.member is None else self.opened.read(photo.member)
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (2 * side, 2 * side))
            return image.convert("RGB")


def class_of_synset(data: Path) -> dict[str, int]:
    """Return the ImageNet class index of each WordNet id."""
    lines = (data / SYNSETS).read_text().splitlines()
    return {line.split()[0]: index for index, line in enumerate(lines)}


def in_archive(archive: Path, index: dict[str, int]) -> list[Photo]:
    """Return the training photos of tiny-imagenet."""
    with zipfile.ZipFile(archive) as opened:
        members = sorted(n for n in opened.namelist() if n.startswith("train/") and n[-1] != "/")
    return [Photo(archive, name, "tiny", index[name.split("/")[1]]) for name in members]


def in_folder(folder: Path, index: dict[str, int], source: str | None = None) -> list[Photo]:
    """Return a folder's photos, whose sets are its folders, and kinds these folders', or as told.

    A set that is told has no kinds.
    """
    found, kinds = [], dict[Path, int]()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        known = SYNSET.match(path.name)
        label = index.get(known.group(), -1) if known else -1
        within, kind = path.parent.relative_to(folder).parts, -1
        if source is None and len(within) > 1:
            kind = kinds.setdefault(path.parent, len(kinds))
        found.append(Photo(path, None, source or within[0], label, kind))
    return found


def training_photos(data: Path, folder: Path) -> Photos:
    """Return those of tiny-imagenet and of clothes in `data`, and those in `folder`."""
    index, archive = class_of_synset(data), data / TINY
    tiny = in_archive(archive, index)
    clothes = in_folder(data / CLOTHES, index, "clothes")
    return Photos([*tiny, *clothes, *in_folder(folder, index)], archive)
