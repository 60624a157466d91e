"""Seams fitted: what tells a photo pasted into another from a crop of it, by domain.

    python -m scripts.matching.seams FOLDER... [--photos 60] [--seed 0]

Of some photos of each folder copies are made: crops, which lie in their photo, and collages and
screenshots, in which their photo lies. The two are matched as `tv dedupe` does. Printed are the
quantiles of `seam_contrast` of either kind, and which shares CONTRAST tells wrongly.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from scripts.bench.intervals import share_of
from scripts.matching.rows import is_picture, opened, photo_of, pictures_in
from tvcli.core.deduping.same import Comparer, Rule
from tvcli.core.deduping.seam import CONTRAST, seam_contrast
from tvcli.core.images.copies.changes import changed_copy
from tvcli.core.matching.features import describe_both

COMPOSED = ("beside", "pasted", "feed")
CROPPED = ("crop", "crop+crop", "crop+jpeg")  # one crop of another is down to a quarter
QUANTILES = (0.02, 0.1, 0.5, 0.9, 0.98)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    names = " | ".join(f"{quantile:.0%} below" for quantile in QUANTILES)
    print(f"| folder | copies | pairs | {names} | told wrongly |\n|{'---|' * (len(QUANTILES) + 4)}")
    for folder in given.folders:
        rng = np.random.default_rng(given.seed)
        files = [path for path in pictures_in(folder) if is_picture(path)]
        files = [files[n] for n in rng.permutation(len(files))[: 2 * given.photos]]
        for kinds in (COMPOSED, CROPPED):
            found = np.array([*contrasts(files, kinds, given.seed)])
            wrong = (found > CONTRAST) != (kinds is COMPOSED)
            spread = " | ".join(f"{value:.2f}" for value in np.quantile(found, QUANTILES))
            said = f"{len(found)} | {spread} | {share_of(wrong.tolist())}"
            print(f"| {folder.name} | {', '.join(kinds)} | {said} |", flush=True)


def contrasts(files: list[Path], kinds: tuple[str, ...], seed: int) -> Iterator[float]:
    """Yield the contrasts of copies of the first half of some photos, the others seen beside."""
    half = len(files) // 2
    for number in range(half):
        picture, beside = opened(files[number]), opened(files[half + number])
        kind = kinds[number % len(kinds)]
        copy, _ = changed_copy(picture, kind, seed, files[number].name, beside)
        pair = (copy.image, picture) if kinds is CROPPED else (picture, copy.image)
        yield from _contrast(*pair)


def _contrast(inner: Image.Image, around: Image.Image) -> Iterator[float]:
    own, kept = (describe_both(photo_of(image)) for image in (inner, around))
    link = Comparer(own, Rule()).link(kept)
    if link is not None:
        yield seam_contrast(link.transform, own[0], kept[0])


if __name__ == "__main__":
    main()
