"""Which copies the experiments of `copies` are made of: all, and those kept apart."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvcli.core.images.copies.changes import PLAIN_KINDS, kinds_for

COPIES, CLOTHES, STRANGERS = 20, 2000, 500
TUNED = 833  # the first copies: thresholds were chosen with them in view
IN_VIEW = 2890  # the first copies again: the rule was mended with them in view
ONCE_APART = (1200, 1789, 3600)  # as many of three sets kept apart: looked at, then mended

Task = tuple[str, int, str, bool]  # picture, number, kind, whether the picture is in the index


@dataclass(frozen=True)
class Set:
    """An experiment: the pictures of the index, the copies to make in order, and their seed."""

    known: list[str]
    tasks: list[Task]
    seed: int


def whole(data: Path, count: int = CLOTHES) -> Set:
    """Return all copies of every picture of the index, `count` of them clothes, and of strangers.

    There are a quarter as many strangers as clothes in the index.
    """
    order = shuffled(clothes(data))
    known, strangers = (
        paintings(data) + order[:count],
        order[count : count + count * STRANGERS // CLOTHES],
    )
    return Set(known, drawn(copies_of(known, True) + copies_of(strangers, False)), 0)


def apart(data: Path, draw: int) -> Set:
    """Return copies that no threshold was chosen on: a third of strangers.

    The clothes copied are those of which no copy was in view before the first draw, the paintings a
    share of all as large as in the whole; the index is another draw of 2,000 clothes, so its pairs
    with strangers are others; and all copies are drawn anew.
    """
    fresh: list[str] = []
    others: list[str] = []
    seen = in_view(data)
    for name in shuffled(clothes(data), seed=1 + draw):
        (others if name in seen else fresh).append(name)
    filled = fresh + others
    known = paintings(data) + filled[:CLOTHES]
    share = round(len(fresh) * len(paintings(data)) / CLOTHES)
    inside = drawn(copies_of(fresh + shuffled(paintings(data), seed=1 + draw)[:share], True))
    outside = drawn(copies_of(filled[CLOTHES:], False))
    return Set(known, in_threes(inside, outside), draw)


def in_view(data: Path) -> set[str]:
    """Return the pictures of which copies were looked at."""
    first = whole(data)
    strangers = copies_of(shuffled(clothes(data))[CLOTHES + STRANGERS :], False)
    outside = [task for task in drawn(copies_of(first.known, True) + strangers) if not task[3]]
    seen = {task[0] for task in first.tasks[:TUNED]}
    for count in ONCE_APART:
        inside = [task for task in first.tasks[TUNED:] if task[3] and task[0] not in seen]
        others = [task for task in outside if task[0] not in seen]
        seen |= {task[0] for task in in_threes(inside, others)[:count]}
    return seen | {task[0] for task in first.tasks[:IN_VIEW]}


def in_threes(inside: list[Task], outside: list[Task]) -> list[Task]:
    """Return copies in turn: two of known pictures, one of a stranger."""
    threes = zip(inside[::2], inside[1::2], outside, strict=False)
    return [task for three in threes for task in three]


def copies_of(names: list[str], inside: bool) -> list[Task]:
    """Return all copies of pictures."""
    return [
        (name, number, kind, inside)
        for name in names
        for number, kind in enumerate(kinds_for(name, PLAIN_KINDS, COPIES, 0))
    ]


def drawn(all_of: list[Task]) -> list[Task]:
    """Return copies in a drawn order."""
    return [all_of[n] for n in np.random.default_rng(1).permutation(len(all_of))]


def shuffled(names: list[str], seed: int = 0) -> list[str]:
    """Return names in a drawn order."""
    return [names[n] for n in np.random.default_rng(seed).permutation(len(names))]


def clothes(data: Path) -> list[str]:
    return sorted(str(path.relative_to(data)) for path in data.glob("clothing/*/*/*.jpg"))


def paintings(data: Path) -> list[str]:
    return sorted(str(path.relative_to(data)) for path in data.glob("paintings/bbdd/*.jpg"))
