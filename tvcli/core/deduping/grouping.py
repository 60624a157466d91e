"""Grouping: from pairs that are the same to groups that each agree with the picture kept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

Same = Callable[[int, int], bool]
Fits = Callable[[int], bool]
Through = Callable[[int, int, int], bool]  # whether the first and the last are, by the one between
Best = Callable[[Sequence[int]], int]


def components(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return which are connected, directly or through others, each in rising order."""
    parents: dict[int, int] = {}

    def root(one: int) -> int:
        parents.setdefault(one, one)
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        return one

    for first, second in pairs:
        a, b = sorted((root(first), root(second)))
        parents[b] = a
    found: dict[int, list[int]] = defaultdict(list)
    for one in sorted(parents):
        found[root(one)].append(one)
    return [found[one] for one in sorted(found)]


def parted(
    members: Sequence[int], best: Best, same: Same, different: Same, through: Through
) -> list[list[int]]:
    """Part connected photos into groups; the first of each is to be kept.

    Every photo of a group is the same as the first by itself, or `through` one that is, which
    must compare it with the first too: a chain in which each resembles the next does not make one
    group of its ends. No two of a group are known to be `different`. What is in no group with
    others is left out. `same` and `different` must be symmetric.
    """
    groups, rest = [], sorted(members)
    while len(rest) > 1:
        first = best(rest)
        group = [first]
        rest = [one for one in rest if one != first]
        rest = _gathered(group, rest, partial(same, first), different)
        rest = _gathered(group, rest, _same_by(first, tuple(group[1:]), through), different)
        if len(group) > 1:
            groups.append(group)
    return groups


def _same_by(first: int, members: Sequence[int], through: Through) -> Fits:
    return lambda one: any(through(first, member, one) for member in members)


def _gathered(group: list[int], others: list[int], fits: Fits, different: Same) -> list[int]:
    """Add to a group those that fit and differ from none in it; return what is left."""
    left: list[int] = []
    for one in others:
        fitting = not any(different(member, one) for member in group) and fits(one)
        (group if fitting else left).append(one)
    return left
