"""Paintings recognised: 120 photos of museum paintings against an index of 279.

    python -m scripts.bench.paintings [--hung SEED] [--preset scalable] [--threshold few=8]

For each set of queries: hit@1 by the cosine alone and verified, and as a decision ("in the
collection, and which") precision and recall over paintings: a photo may show two. The pictures lie
beside the checkout. Three labels there are wrong (seen by eye: the painting accepted is the one in
the photo); the figures are given as labelled and corrected. All were in view when thresholds were
chosen; `--hung SEED` draws photos that nobody has seen instead, of paintings on walls, of which the
index lacks every eighth.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.bench.copies import DATA, made_index
from scripts.bench.hung import hung
from scripts.bench.intervals import share
from tvcli.core.matching.decision import PRESETS, Verification, verification
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit, SearchSettings
from tvcli.core.searching.search import SearchRequest, find_hits

SETS = ("qsd1_w1", "qsd1_w2", "qsd2_w1", "qsd2_w2")
CORRECTED = {("qsd1_w2", "00026"): {5}, ("qsd2_w1", "00020"): {116}, ("qsd2_w2", "00023"): {5}}

HUNG = 200  # photos drawn
ALL = 1000  # hits: more than there are
ELSEWHERE = 8  # every so many paintings the index lacks one


@dataclass
class Counts:
    """Over the queries of a set."""

    queries: int = 0
    first: int = 0
    cosine_first: int = 0
    wanted: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    accepted: list[tuple[int, float]] = field(default_factory=list)
    refused: list[tuple[int, float]] = field(default_factory=list)

    def add(self, name: str, truth: set[int], hits: list[Hit]) -> None:
        checked = [(hit, hit.check) for hit in hits if hit.check]
        found = {number(hit.image) for hit, check in checked if check.verified}
        self.queries += 1
        self.wanted += len(truth)
        self.right += len(truth & found)
        self.missed += [f"{name} {n}" for n in truth - found]
        self.wrong += [f"{name} {n}" for n in found - truth]
        self.cosine_first += bool(truth) and number(hits[0].image) in truth
        best, _ = max(checked, key=lambda each: (each[1].verified, each[1].match.inliers))
        self.first += bool(truth) and number(best.image) in truth
        for hit, check in checked:
            known = check.match.inliers, round(check.match.probability, 4)
            if number(hit.image) in truth and check.verified:
                self.accepted.append(known)
            elif number(hit.image) not in truth:
                self.refused.append(known)


def number(path: str | Path) -> int:
    return int(Path(path).stem.removeprefix("bbdd_"))


@dataclass(frozen=True)
class Queries:
    """A set of photos, with the paintings of the index that each shows."""

    name: str
    photos: list[Path]
    truths: list[set[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="default")
    parser.add_argument("--threshold", action="append", default=[])
    parser.add_argument("--method", choices=("orb", "sift"))
    parser.add_argument("--labelled", action="store_true", help="as labelled, not corrected")
    parser.add_argument("--hung", type=int, metavar="SEED", help="photos drawn, none ever seen")
    options = parser.parse_args()
    chosen = verification(options.preset, options.threshold)
    how = replace(chosen, unverified=True, method=options.method)
    weights = next((options.data / "weights").glob("squeezenet1_1-*.pth"))
    paintings = sorted((options.data / "paintings").glob("bbdd/*.jpg"))
    with tempfile.TemporaryDirectory() as temporary:
        index = Path(temporary) / "paintings.tvx"
        if options.hung is None:
            known = paintings
            sets = taken(options.data / "paintings", len(paintings), options.labelled)
        else:
            known = [path for n, path in enumerate(paintings) if n % ELSEWHERE]
            sets = drawn(paintings, known, Path(temporary), options.hung)
        names = [str(path.relative_to(options.data)) for path in known]
        made_index(options.data, names, index, weights)
        print("| set | queries | hit@1 cosine | hit@1 verified | paintings | recall | wrongly "
              "accepted | weakest accepted | strongest refused |\n|---|" + "---|" * 8)  # fmt: skip
        for queries in sets:
            show(queries.name, counted(queries, index, how))


def taken(paintings: Path, count: int, labelled: bool) -> list[Queries]:
    """Return the photos that were taken in the museum."""
    truths = json.loads((paintings / "groundtruth.json").read_text())
    sets = []
    for name in SETS:
        photos = sorted((paintings / name).glob("*.jpg"))
        labels = [truths[name][photo.name]["bbdd"] for photo in photos]
        # 279: not in the collection
        shown = [{n for n in some if 0 <= n < count} for some in labels]
        if not labelled:
            corrected = [CORRECTED.get((name, photo.stem)) for photo in photos]
            shown = [new or old for new, old in zip(corrected, shown, strict=True)]
        sets.append(Queries(name, photos, shown))
    return sets


def drawn(paintings: list[Path], known: list[Path], folder: Path, seed: int) -> list[Queries]:
    """Return photos drawn, of paintings that the index has and of some that it has not."""
    alone, in_twos = Queries("hung alone", [], []), Queries("hung in twos", [], [])
    for place, (photo, shown) in enumerate(hung(paintings, HUNG, seed)):
        queries = alone if len(shown) == 1 else in_twos
        queries.photos.append(folder / f"{place:05d}.jpg")
        photo.save(queries.photos[-1], quality=85)
        queries.truths.append({number(path) for path in shown if path in known})
    return [alone, in_twos]


def counted(queries: Queries, index: Path, how: Verification) -> Counts:
    """Return what is found of a set, and what else is accepted."""
    names = [str(photo) for photo in queries.photos]
    settings = SearchSettings(k=ALL, verification=how)
    request = SearchRequest(queries=names, settings=settings)  # whatever was looked at
    found: dict[str, list[Hit]] = {}
    for hit in find_hits(request, index, stdin=None, report=Report()):
        found.setdefault(Path(hit.query).stem, []).append(hit)
    counts = Counts()
    for photo, truth in zip(queries.photos, queries.truths, strict=True):
        counts.add(photo.stem, truth, found[photo.stem])
    return counts


def show(name: str, counts: Counts) -> None:
    print(
        f"| {name} | {counts.queries} | {counts.cosine_first} | {counts.first} | {counts.wanted} | "
        f"{share(counts.right, counts.wanted)} | {len(counts.wrong)} {' '.join(counts.wrong)} | "
        f"{sorted(counts.accepted)[:3]} | {sorted(counts.refused)[-3:]} | {counts.missed}"
    )


if __name__ == "__main__":
    main()
