"""Hits of different contents: copies of one file are one hit, which lists them."""

from collections.abc import Callable

from tvcli.core.engines import Found, Rows, Vectors
from tvcli.core.indexes.index import Index

MORE = 4  # times as many rows are looked for, where too few of them have other contents


def by_content(index: Index, rows: Rows, k: int) -> tuple[list[int], list[list[int]]]:
    """Return the places of the first rows (n,) of k contents, and the other rows of each.

    A content is a file's hash and the part of it: two objects of one photo are two.
    """
    digests, regions = index.read("digest", rows), index.read("region", rows)
    places: dict[tuple[str, bytes], int] = {}
    first: list[int] = []
    same: list[list[int]] = []
    for place, (digest, region) in enumerate(zip(digests, regions, strict=True)):
        key = (digest or f"row {rows[place]}", region.tobytes())
        if key in places:
            same[places[key]].append(int(rows[place]))
        elif len(first) < k:
            places[key] = len(first)
            first.append(place)
            same.append([])
    return first, same


def enough_distinct(
    index: Index, k: int, similarities: Vectors, rows: Rows, closest: Callable[[int], Found]
) -> Found:
    """Return similarities and rows (Q, n) that have k contents for each query, if there are.

    `closest` gives that many for each query, as it gave those there are.
    """
    wanted = max(rows.shape[1], 1)
    while rows.shape[1] >= wanted and wanted < len(index):
        if all(len(by_content(index, own[own >= 0], k)[0]) == k for own in rows):
            break
        wanted = min(MORE * wanted, len(index))
        similarities, rows = closest(wanted)
    return similarities, rows
