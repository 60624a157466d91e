"""Duplicates: how many of the pairs there are `tv dedupe` finds, and how many it makes up.

    python -m scripts.bench.dedupe photos/ --per-photo 5 --folder /tmp/dedupe

makes changed copies of photos, indexes all, and tells precision and recall of the pairs, what
became of the copies of each kind, CPU seconds and the largest memory. With --alone no copies are
made: each group found is then named, for a person to look at.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from tvcli.core.copies.truth import read_truth

Group = list[str]  # absolute paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--per-photo", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(options, options.folder or Path(temporary))


def measure(options: argparse.Namespace, folder: Path) -> None:
    copies, index = folder / "copies", folder / "all.tvx"
    photos = [os.path.abspath(name) for name in options.photos]  # noqa: PTH100
    if not options.alone:
        seed = ["--per-photo", options.per_photo, "--seed", options.seed]
        print_cost("copies", *run("copies", *photos, "-o", copies, *seed)[1:])
    made = [] if options.alone else [copies]
    print_cost("index", *run("index", *photos, *made, "-o", index)[1:])
    out, seconds, memory = run("dedupe", index, "--candidates", options.candidates)
    print_cost("dedupe", seconds, memory)
    groups = [
        [os.path.abspath(m["image"]) for m in json.loads(line)["members"]]  # noqa: PTH100
        for line in out.splitlines()
    ]
    if options.alone:
        for group in groups:
            print(*group)
    else:
        print_agreement(groups, copies / "truth.jsonl")


def run(*words: object) -> tuple[str, float, float]:
    """Run tv; return what it printed, its CPU seconds and its largest memory in MB."""
    command = [sys.executable, "-m", "tvcli", *map(str, words), "-q"]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            sys.exit(f"tv {words[0]} ended with {process.returncode}")
        out.seek(0)
        return out.read(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def print_cost(what: str, seconds: float, memory: float) -> None:
    print(f"tv {what}: {seconds:.0f} s of CPU, {memory:.0f} MB at most")


def print_agreement(groups: list[Group], truth: Path) -> None:
    """Print precision and recall of pairs, and the share of copies grouped with their original."""
    records = read_truth(truth)
    original = {record["image"]: record["original"] for record in records}
    original |= {record["original"]: record["original"] for record in records}
    families: dict[str, int] = defaultdict(int)
    for name in original.values():
        families[name] += 1
    there = sum(count * (count - 1) // 2 for count in families.values())
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    wrong = [pair for pair in pairs if original[pair[0]] != original[pair[1]]]
    right = len(pairs) - len(wrong)
    print(
        f"pairs: precision {right / max(len(pairs), 1):.4f}, recall {right / there:.4f} of {there}"
    )
    for first, second in sorted({tuple(sorted(original[name] for name in pair)) for pair in wrong}):
        print(f"  not of one original: {first} {second}")
    number = {name: place for place, group in enumerate(groups) for name in group}
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for record in records:
        place = number.get(record["image"])
        together = place is not None and place == number.get(record["original"])
        by_kind[record["kind"]].append(together)
    for kind, found in sorted(by_kind.items()):
        print(f"  {kind:12}{sum(found):6} of {len(found):5}{sum(found) / len(found):8.1%}")


if __name__ == "__main__":
    main()
