"""Duplicates: how many of the pairs there are `tv dedupe` finds, and how many it makes up.

    python -m scripts.bench.dedupe FOLDER... --draw 20 --per-photo 2 --seed 1 --folder /tmp/dedupe

makes changed copies of photos, indexes all, and tells precision and recall of the pairs, what
became of the copies of each kind, CPU seconds and the largest memory. A copy that shows two of
the photos is a copy of either, and no group holds both: its pairs are those with the photo, and its
copies, of which there are more in its group; outside of groups, with the one it was made of.
--one-picture names two photos that a person saw to show one picture, or one a part of the other:
whether copies of the two are in a group is not counted. With --alone no copies are made: each group
found is then named, for a person to look at.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from itertools import combinations, groupby
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from scripts.bench.processes import run
from scripts.matching.rows import pictures_in
from tvcli.core.files.paths import absolute_path
from tvcli.core.images.copies.truth import read_truth

Group = list[str]  # absolute paths
Truth = dict[str, Any]

ALL = "all"
RESAMPLES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--draw", type=int, help="so many of the pictures of each folder named")
    parser.add_argument("--per-photo", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--one-picture", nargs=2, action="append", default=[], metavar="NAME")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(options, options.folder or Path(temporary))


def measure(options: argparse.Namespace, folder: Path) -> None:
    copies, index = folder / "copies", folder / "all.tvx"
    photos = [absolute_path(name) for name in options.photos]
    if options.draw:
        photos = [path for name in photos for path in drawn(name, options.draw, options.seed)]
    if not options.alone:
        seed = ["--per-photo", options.per_photo, "--seed", options.seed]
        print_cost("copies", *tv("copies", *photos, "-o", copies, *seed)[1:])
    made = [] if options.alone else [copies]
    print_cost("index", *tv("index", *photos, *made, "-o", index)[1:])
    out, seconds, memory = tv("dedupe", index, "--candidates", options.candidates)
    print_cost("dedupe", seconds, memory)
    (folder / "groups.jsonl").write_text(out, encoding="utf-8")
    groups = [
        [absolute_path(m["image"]) for m in json.loads(line)["members"]]
        for line in out.splitlines()
    ]
    if options.alone:
        for group in groups:
            print(*group)
    else:
        print_agreement(groups, copies / "truth.jsonl", options.one_picture)


def drawn(folder: str, count: int, seed: int) -> list[str]:
    """Return some pictures of a folder, drawn by the seed."""
    return [str(path) for path in Random(seed).sample(pictures_in(Path(folder)), count)]


def tv(*words: object) -> tuple[str, float, float]:
    """Run tv; return what it printed, its CPU seconds and its largest memory in MB."""
    return run([sys.executable, "-m", "tvcli", *map(str, words), "-q"])


def print_cost(what: str, seconds: float, memory: float) -> None:
    print(f"- `tv {what}`: {seconds:.0f} s of CPU, {memory:.0f} MB at most", flush=True)


def print_agreement(groups: list[Group], truth: Path, alike: list[list[str]]) -> None:
    """Print recall and precision of pairs, those that have a copy of a kind in them by kind.

    Pairs of copies of two photos that are `alike`, by their names, are not counted.
    """
    uncounted = {frozenset(names) for names in alike}
    records = read_truth(truth)
    family = {record["image"]: record["original"] for record in records}
    family |= {record["original"]: record["original"] for record in records}
    family |= _shown_beside(groups, records, family)
    kinds = {record["image"]: record["kind"] for record in records}
    there: Counter[str] = Counter()
    by_family: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])  # pairs, right, wrong
    for original, members in groupby(
        sorted(family, key=family.__getitem__), key=family.__getitem__
    ):
        pairs = list(combinations(members, 2))
        by_family[original][0] = len(pairs)
        there.update(kind for pair in pairs for kind in _kinds(pair, kinds))
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    confused: Counter[tuple[str, ...]] = Counter()
    for pair in (pair for group in groups for pair in combinations(group, 2)):
        if frozenset(Path(family[name]).name for name in pair) in uncounted:
            continue
        is_right = family[pair[0]] == family[pair[1]]
        (right if is_right else wrong).update(_kinds(pair, kinds))
        by_family[family[pair[0]]][1 if is_right else 2] += 1
        if not is_right:
            confused[tuple(sorted(family[name] for name in pair))] += 1
    print("\n| copies | pairs | recall | precision | in a group with a photo it shows |")
    print("|---" * 5 + "|")
    beside = _beside_original(groups, records)
    for kind in sorted(there, key=lambda kind: (kind != ALL, kind)):
        found = right[kind] / max(right[kind] + wrong[kind], 1)
        recall = right[kind] / there[kind]
        print(f"| {kind} | {there[kind]} | {recall:.4f} | {found:.4f} | {beside[kind]:.4f} |")
    print_intervals(np.array(list(by_family.values())))
    print_kept(groups, kinds)
    for names, count in confused.most_common():
        print(f"{count} pairs not of one original:", *names, file=sys.stderr)


def print_intervals(counts: np.ndarray) -> None:
    """Print 95 % intervals by resampling originals (N, 3): pairs there, right and wrong ones."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(counts), size=(RESAMPLES, len(counts)))
    there, right, wrong = counts[drawn].sum(axis=1).T
    for name, shares in (("recall", right / there), ("precision", right / (right + wrong))):
        low, high = np.nanquantile(shares, [0.025, 0.975])
        print(f"\n{name} of all, 95 % by resampling originals: {low:.3f} to {high:.3f}")


def print_kept(groups: list[Group], kinds: dict[str, str]) -> None:
    """Print what is proposed to be kept, the first of each group, of the groups that have it."""
    kept = Counter(kinds.get(group[0], "original") for group in groups)
    there = Counter(kind for group in groups for kind in {kinds.get(n, "original") for n in group})
    shares = ", ".join(f"{kind} {kept[kind]} of {there[kind]}" for kind, _ in kept.most_common())
    print(f"\nKept, of the groups that have one: {shares}")


def _shown_beside(
    groups: list[Group], records: list[Truth], family: dict[str, str]
) -> dict[str, str]:
    """Return the copies that count as ones of the other photo that they show, with that photo."""
    others = {record["image"]: record["other"] for record in records if "other" in record}
    found: dict[str, str] = {}
    for group in groups:
        there = Counter(family[name] for name in group if name not in others)
        for name in group:
            if name in others and there[others[name]] > there[family[name]]:
                found[name] = others[name]
    return found


def _kinds(pair: tuple[str, ...], kinds: dict[str, str]) -> set[str]:
    """Return what a pair counts for: all, and the kinds of the copies in it."""
    return {ALL} | {kinds[name] for name in pair if name in kinds}


def _beside_original(groups: list[Group], records: list[Truth]) -> dict[str, float]:
    """Return for each kind the share of copies that are in one group with their original."""
    number = {name: place for place, group in enumerate(groups) for name in group}
    together: dict[str, list[bool]] = defaultdict(list)
    for record in records:
        place = number.get(record["image"])
        for kind in (ALL, record["kind"]):
            shown = {number.get(record[name]) for name in ("original", "other") if name in record}
            together[kind].append(place is not None and place in shown)
    return {kind: sum(found) / len(found) for kind, found in together.items()}


if __name__ == "__main__":
    main()
