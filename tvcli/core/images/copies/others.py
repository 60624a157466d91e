"""Which other photo comes into the copies of a photo: one that is named near it."""

from collections.abc import Iterator

from tvcli.core.blocks import blocks_of
from tvcli.core.files.records import Region
from tvcli.core.images.copies.changes import code_of

READ_AHEAD = 32  # regions: photos that came through a pipe are held in memory


def with_others(regions: Iterator[Region], seed: int) -> Iterator[tuple[Region, Region | None]]:
    """Yield each region with another of its block, drawn by its name; None where it is alone."""
    before: list[Region] = []
    for block in blocks_of(regions, READ_AHEAD):
        for place, region in enumerate(block):
            rest = block[:place] + block[place + 1 :] or before
            mates = [mate for mate in rest if mate.image != region.image]
            drawn = int(code_of(f"{seed}/other/{region.image} {region.crop}")[:8], 16)
            yield region, mates[drawn % len(mates)] if mates else None
        before = block
