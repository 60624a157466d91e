"""Grouping: from pairs that are the same to groups that each agree with the picture kept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

Same = Callable[[int, int], bool]
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


def parted(members: Sequence[int], best: Best, same: Same, different: Same) -> list[list[int]]:
    """Part connected photos into groups; the first of each is to be kept.

    Every photo of a group is the same as the first by itself: a chain in which each resembles the
    next does not make one group of its ends. No two of a group are known to be `different`. What
    is in no group with others is left out. `same` and `different` must be symmetric.
    """
    groups, rest = [], sorted(members)
    while len(rest) > 1:
        first = best(rest)
        group, left = [first], list[int]()
        for one in rest:
            if one == first:
                continue
            fits = not any(different(member, one) for member in group) and same(first, one)
            (group if fits else left).append(one)
        if len(group) > 1:
            groups.append(group)
        rest = left
    return groups
