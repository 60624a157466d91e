"""Blocks of rows of several parts, put back into the order of the whole list."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import Columns, joined_rows, some_rows
from tvcli.core.files.shards import Shard
from tvcli.core.indexes.merging.belonging import Part

HELD = 1024  # rows of all parts together that are in memory

Waiting = tuple[Columns, Iterator[Columns]]  # the rows of a stream that wait, and the rest of it


def in_order(
    parts: Sequence[Part], streams: Sequence[Iterator[Columns]], *, sharded: bool
) -> Iterator[Columns]:
    """Yield the rows of parts in the order of the whole list, or one part after the other.

    Raises:
        Mismatch: a photo where it does not belong, or a region twice.
        BadInput: the rows of a shard are not in order.
    """
    pairs = zip(parts, streams, strict=True)
    if sharded:
        blocks = in_position([_of_shard(stream, part.shard, part.path) for part, stream in pairs])
    else:
        blocks = _without_doubles((part.path, block) for part, stream in pairs for block in stream)
    for block in blocks:
        yield {name: values for name, values in block.items() if name != "position"}


def rows_at_once(parts: int) -> int:
    """Return how many rows of each part to hold."""
    return max(8, HELD // parts)


def _of_shard(blocks: Iterator[Columns], shard: Shard, path: Path) -> Iterator[Columns]:
    """Yield the blocks of a part after checking that its rows are of its shard, and in order.

    Raises:
        Mismatch: a photo of another shard.
        BadInput: positions that do not rise.
    """
    last = -1
    for block in blocks:
        for image in block["image"]:
            if not shard.takes(image):
                raise Mismatch(f"{path}: {image} is not of shard {shard}")
        positions = np.concatenate([[last], block["position"]])
        if positions.min(initial=0) < -1 or (np.diff(positions) < 0).any():
            raise BadInput(f"{path}: its rows are not in order; make it again")
        last = int(positions[-1])
        yield block


def in_position(streams: Iterable[Iterator[Columns]]) -> Iterator[Columns]:
    """Merge streams of blocks, each rising in `position`, into one that rises.

    One block of each stream is held, no more. Equal positions keep the order of the streams.
    """
    waiting = _filled([({}, stream) for stream in streams])
    while waiting:
        bound = min(block["position"][-1] for block, _ in waiting)
        cuts = [np.searchsorted(block["position"], bound, side="right") for block, _ in waiting]
        parts = list(zip(cuts, waiting, strict=True))
        block = joined_rows([some_rows(block, slice(cut)) for cut, (block, _) in parts])
        yield some_rows(block, np.argsort(block["position"], kind="stable"))
        waiting = _filled([(some_rows(b, slice(cut, None)), rest) for cut, (b, rest) in parts])


def _without_doubles(blocks: Iterator[tuple[Path, Columns]]) -> Iterator[Columns]:
    """Yield blocks after checking that no region is there twice; keeps about 100 bytes a row.

    Raises:
        Mismatch: a region that was there before; the message names its photo.
    """
    seen: set[int] = set()
    for path, block in blocks:
        for image, region, flip in zip(block["image"], block["region"], block["flip"], strict=True):
            key = hash((image, region.tobytes(), bool(flip)))
            if key in seen:
                raise Mismatch(f"{path}: {image} is there twice, here or in a part before")
            seen.add(key)
        yield block


def _filled(waiting: list[Waiting]) -> list[Waiting]:
    """Give streams without rows waiting their next block; those at their end are left out."""
    filled = (
        (block if block and block["image"] else next(rest, {}), rest) for block, rest in waiting
    )
    return [(block, rest) for block, rest in filled if block]
