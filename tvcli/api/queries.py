"""Queries: what a program searches with, and how, as core takes it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.api.photos import PhotoLike, is_photo_in_memory, region_of
from tvcli.api.sources import SourceLike, opened_photos
from tvcli.core.boxes import Box
from tvcli.core.errors import UsageError
from tvcli.core.matching.decision import PRESETS, Preset, Verification, asked_verification
from tvcli.core.reports import Report
from tvcli.core.searching.examples import checked_weight
from tvcli.core.searching.hits import Metric, SearchSettings
from tvcli.core.searching.neighbours import ByNeighbours
from tvcli.core.searching.queries import Query
from tvcli.core.searching.searcher import Asked, Example

QueryLike = PhotoLike | npt.NDArray[np.floating[Any]]
ExampleLike = QueryLike | tuple[QueryLike, float]  # with how much it counts


def asked_of(query: QueryLike, number: int, box: Box | None = None) -> Asked:
    """Return a photo as a region, or a vector as a query."""
    if isinstance(query, np.ndarray) and query.ndim == 1:
        if box is not None or not np.issubdtype(query.dtype, np.floating):
            raise UsageError("a vector is (D,) of floating point, and has no box")
        return Query(f"<vector {number}>", query.astype(np.float32))
    if isinstance(query, str | os.PathLike) and Path(query).is_dir():
        raise UsageError(f"{os.fspath(query)}: a folder; search_many takes one")
    return region_of(query, number, box)


@contextmanager
def opened_queries(
    queries: SourceLike | Iterable[QueryLike], report: Report
) -> Iterator[Iterator[Asked]]:
    """Give queries one by one; paths, folders and records as every function takes them."""
    items: Any = queries
    vectors = isinstance(items, np.ndarray) and items.ndim == 2 and items.dtype != np.uint8
    mixed = isinstance(items, list | tuple) and any(map(is_photo_in_memory, items))
    if vectors or mixed or isinstance(items, Iterator):
        yield (asked_of(query, number) for number, query in enumerate(items, 1))
        return
    with opened_photos(items, report) as source:
        yield (_absolute(region, source.root) for region in source.regions)


def _absolute(region: Any, root: Path) -> Any:
    return region if region.data is not None else replace(region, image=str(root / region.image))


def examples_of(given: ExampleLike | Sequence[ExampleLike]) -> list[Example]:
    """Return one example, or some, as core takes them.

    Raises:
        UsageError: a weight that is none, or what is no query.
    """
    single = isinstance(given, str | os.PathLike) or is_photo_in_memory(given) or _is_pair(given)
    items: Any = [given] if single else given
    return [_example(item, number) for number, item in enumerate(items, 1)]


def _example(item: Any, number: int) -> Example:
    if not _is_pair(item):
        return Example(asked_of(item, number))
    photo, weight = item
    return Example(asked_of(photo, number), checked_weight(float(weight), f"example {number}"))


def _is_pair(item: Any) -> bool:
    """Tell whether this is an example with its weight."""
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], Real)


def settings_of(
    k: int,
    min_similarity: float | None,
    rerank: int | None,
    locate: bool | None,
    metric: Metric,
    where: str | Sequence[str],
    distinct: bool,
    verify: bool | Preset,
    neighbours: ByNeighbours,
    min_probability: float | None,
) -> SearchSettings:
    """Return how to search; raises UsageError for what makes no sense."""
    if k < 1 or (rerank is not None and rerank < 1):
        raise UsageError("k and rerank are at least 1")
    conditions = [where] if isinstance(where, str) else list(where)
    return SearchSettings(
        k,
        min_similarity,
        rerank=rerank,
        locate=locate,
        metric=metric,
        where=conditions,
        distinct=distinct,
        verification=_verification(verify, min_probability),
        neighbours=neighbours,
        min_probability=None if verify else min_probability,
    )


def _verification(verify: bool | Preset, min_probability: float | None) -> Verification | None:
    if verify is False:
        return None
    name = "default" if verify is True else verify
    if name not in PRESETS:
        raise UsageError(f"verify: {' or '.join(PRESETS)}, not {name!r}")
    return asked_verification(name, (), min_probability)
