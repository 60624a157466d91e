"""Rows of evidence: what the looks of a verified search see of copies, and of what is no copy."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

import tvcli
from scripts.matching.changes import MADE, recoloured
from scripts.matching.rephotographed import Surroundings
from tvcli.core.images.photo import Photo, decode_photo
from tvcli.core.matching.features import FINE, describe, describe_both
from tvcli.core.matching.match import Match
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.whole import WholeMatcher

GALLERY, QUERIES = 160, 92  # pictures of a domain, and copies made of some of them
NEAREST = 7  # pictures that are compared with each copy, most similar to its original
OTHERS = 2  # the same, drawn by chance
SIDE = 800  # pixels of the long side of a picture before it is changed
ALIKE = 0.85  # zncc of two originals laid over each other from which they are one picture
RECOLOURED = ("scale", "crop", "jpeg", "noise", "brightness", "text", "mirror", "rotation", "blur")
TAKEN_TWICE = ("groceries",)  # collections in which photos of one name are seconds apart
WEIGHED = {"photographed": 5, "several": 2, "pasted": 2}  # how often a kind comes, else once

Row = dict[str, Any]


@dataclass(frozen=True)
class Domain:
    """A domain: its pictures, brought to one size, and what each shows by name."""

    name: str
    files: list[Path]


def rows_of(domain: Domain, around: Surroundings, seed: int) -> Iterator[Row]:
    """Yield what each look saw of each pair: `same` tells whether it is a copy."""
    rng = np.random.default_rng(seed)
    pictures = [opened(path) for path in domain.files]
    photos = [photo_of(picture) for picture in pictures]
    described = [describe(photo) for photo in photos]
    vectors = tvcli.Encoder("mini").encode([np.asarray(picture) for picture in pictures])
    vectors = vectors.reshape(len(pictures), -1)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kinds = [kind for kind in MADE for _ in range(WEIGHED.get(kind, 1))]
    for number, own in enumerate(rng.permutation(len(pictures))[:QUERIES].tolist()):
        kind = kinds[number % len(kinds)]
        beside = [n for n in rng.permutation(len(pictures))[:5].tolist() if n != own]
        copy = MADE[kind](pictures[own], [pictures[n] for n in beside], around, rng)
        near = np.argsort(-(vectors @ vectors[own]), kind="stable")[1 : NEAREST + 1]
        far = rng.integers(0, len(pictures), OTHERS)
        compared = {own, *near.tolist(), *far.tolist()} - set(beside)  # they are in it, too
        looks = _looks(photo_of(copy))
        for other in sorted(compared):
            if other != own and _one_picture(described[own], described[other]):
                continue
            if other != own and _one_thing(domain, own, other):
                continue
            about = {"domain": domain.name, "kind": kind, "query": number, "same": other == own}
            about |= {"own": domain.files[own].name, "other": domain.files[other].name}
            for look, match in looks(described[other]):
                yield about | {"look": look, "inliers": match.inliers} | match.evidence.known
        if kind in RECOLOURED:
            about |= {"same": False, "other": f"{domain.files[own].name} in other colours"}
            for look, match in looks(describe(photo_of(recoloured(pictures[own], rng)))):
                yield about | {"look": look, "inliers": match.inliers} | match.evidence.known


def _looks(photo: Photo) -> Any:
    """Return a function that gives the matches of a query with a photo, look by look."""
    both = describe_both(photo)
    side, count = FINE
    plain, whole = Matcher(both), WholeMatcher(both[0])
    fine = Matcher([describe(photo, side=side, count=count)])

    def looks(other: Any) -> Iterator[tuple[str, Match]]:
        yield "plain", plain.match(other)
        yield "whole", whole.match(other)
        yield "fine", fine.match(other)

    return looks


def _one_picture(first: Any, second: Any) -> bool:
    """Tell whether two originals are one picture: collections hold some twice, or mirrored.

    So are photos of one thing taken twice, of which nothing moved but the camera.
    """
    looks = WholeMatcher(first).match(second), Matcher([first]).match(second)
    return any((match.evidence.zncc or 0) >= ALIKE for match in looks)


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder and below, in order of their paths."""
    kinds = (".jpg", ".jpeg", ".png")
    return sorted(path for path in folder.resolve().rglob("*") if path.suffix.lower() in kinds)


def surroundings(folder: Path, rng: np.random.Generator) -> Surroundings:
    """Return what prints lie on and what falls on them, drawn from the photos of a folder."""
    grounds = [path for path in pictures_in(folder) if path.suffix.lower() != ".png"]
    picked = [opened(grounds[n]) for n in rng.integers(0, len(grounds), 60)]
    return Surroundings(picked[:40], picked[20:])


def is_picture(path: Path) -> bool:
    """Tell whether a file is a picture, and larger than an icon."""
    try:
        return min(Image.open(path).size) > 60
    except OSError:
        return False


def _one_thing(domain: Domain, own: int, other: int) -> bool:
    """Tell whether two photos show one pile or shelf, taken twice: their names differ in a number.

    A copy and such a photo cannot be told apart by how they agree.
    """
    kinds = [re.sub(r"_\d+$", "", domain.files[number].stem) for number in (own, other)]
    return domain.name in TAKEN_TWICE and kinds[0] == kinds[1]


def opened(path: Path) -> Image.Image:
    """Return a picture, at most SIDE pixels long."""
    picture = Image.open(path).convert("RGB")
    scale = SIDE / max(picture.size)
    if scale < 1:
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    return picture


def photo_of(picture: Image.Image) -> Photo:
    """Return a picture as a photo, as if it had been read."""
    return decode_photo(_png(picture))


def _png(picture: Image.Image) -> bytes:
    from io import BytesIO

    file = BytesIO()
    picture.save(file, "BMP")
    return file.getvalue()


def main() -> None:
    """Write the rows of one domain: python -m scripts.matching.rows DOMAIN FOLDER SURFACES OUT."""
    cv2.setNumThreads(1)
    name, folder, surfaces, out = sys.argv[1:5]
    rng = np.random.default_rng(3)
    files = pictures_in(Path(folder))
    chosen = [files[n] for n in rng.permutation(len(files)) if is_picture(files[n])][:GALLERY]
    around = surroundings(Path(surfaces), rng)
    with Path(out).open("w") as file:
        for row in rows_of(Domain(name, chosen), around, seed=len(name)):
            file.write(json.dumps(row, default=float) + "\n")


if __name__ == "__main__":
    main()
