"""How many photos must be matched to match those that a query shows: the fit of the votes.

    python -m scripts.matching.votes PICTURES SURFACES [--queries 60] [--gallery 300] [--seed 0]

Draws photos of prints of some PICTURES, as `scripts.bench.photographed` does, and keeps those that
full matching verifies, with 500 and 1,500 key points. For each setting of `core/matching/voting`:
at which place of the votes the print comes, and the CPU time of the votes. `--settings` are
ROOTS,WORDS,BITS,DRAWN,SIMILARITIES,TOLERANCE; without, that which ships and what lies around it.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from scripts.bench.intervals import share
from scripts.matching.changes import MADE
from scripts.matching.rows import is_picture, opened, photo_of, pictures_in, surroundings
from tvcli.core.matching import voting
from tvcli.core.matching.decision import Default
from tvcli.core.matching.features import FINE, Keypoints, describe, describe_both
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.vocabulary import drawn_vocabulary

SETTINGS = (  # what ships first
    "3,2,51,100,128,0.03",
    "2,2,44,30,64,0.05",
    "3,2,51,30,128,0.03",
    "3,2,51,100,64,0.05",
    "3,2,46,100,128,0.03",
    "4,3,51,100,128,0.03",
)
PLACES = (1, 2, 4, 8, 16)

Case = tuple[list[Keypoints], int]  # the sides of a query, and the number of its picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("surfaces", type=Path)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--gallery", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--settings", nargs="+", default=SETTINGS)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(given.seed)
    files = [path for path in pictures_in(given.pictures) if is_picture(path)]
    files = [files[n] for n in rng.permutation(len(files))[: given.gallery]]
    gallery = [describe(photo_of(opened(path))) for path in files]
    words = drawn_vocabulary(np.concatenate([one.descriptors for one in gallery]), 0)
    assert words is not None
    around = surroundings(given.surfaces, rng)
    looks: dict[str, list[Case]] = {"plain": [], "large": []}
    for _ in range(given.queries):
        shown, *others = rng.integers(0, len(files), 4).tolist()
        below = [opened(files[n]) for n in others]
        photo = photo_of(MADE["photographed"](opened(files[shown]), below, around, rng))
        side, count = FINE
        for look, sides in (
            ("plain", describe_both(photo)),
            ("large", [describe(photo, side=side, count=count)]),
        ):
            match = Matcher(sides).match(gallery[shown])
            if Default().accepts(match):
                looks[look].append((sides, shown))
    photos = voting.Filed(gallery, words)
    heads = " | ".join(f"among {place}" for place in PLACES)
    print(f"| look | roots, words, bits, drawn, similarities, tolerance | {heads} | CPU ms |")
    print("|---|---|" + "---|" * (len(PLACES) + 1))
    for setting in given.settings:
        settle(setting)
        for look, cases in looks.items():
            before = time.process_time()
            voters = [[voting.Voter(side, words) for side in sides] for sides, _ in cases]
            votes = [np.max([one.votes(photos) for one in some], axis=0) for some in voters]
            cost = 1e3 * (time.process_time() - before) / max(len(cases), 1)
            at = [int((v > v[n]).sum()) for v, (_, n) in zip(votes, cases, strict=True)]
            shares = [share(sum(n < place for n in at), len(at)) for place in PLACES]
            print(f"| {look} | {setting} | {' | '.join(shares)} | {cost:.0f} |", flush=True)


def settle(setting: str) -> None:
    """Let votes be as a setting says."""
    voting._drawn.cache_clear()
    roots, words, bits, drawn, similarities, tolerance = setting.split(",")
    voting.ROOTS, voting.WORDS, voting.DRAWN = int(roots), int(words), int(drawn)
    voting.DIFFERING = (int(bits) + 0.5) / 256
    voting.SIMILARITIES, voting.TOLERANCE = int(similarities), float(tolerance)


if __name__ == "__main__":
    main()
