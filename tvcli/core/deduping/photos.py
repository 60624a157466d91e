"""The photos of an index: each once, those of the same bytes together."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvcli.core.deduping.names import file_of
from tvcli.core.engines import Rows
from tvcli.core.files.paths import shown_path
from tvcli.core.indexes.index import Index
from tvcli.core.reports import Report


@dataclass(frozen=True, slots=True)
class Photos:
    """Different contents by number: the digest, the images (relative to the root), and a row each.

    `rows` (n,) are where the index has the first photo of each content; `numbers` (N,) which
    content a row of the index is of, -1 where its photo is no more.
    """

    root: Path
    digests: list[str]
    images: list[list[str]]
    rows: Rows
    numbers: Rows

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def paths(self) -> list[Path]:
        """A file of each content."""
        return [self.root / images[0] for images in self.images]

    def without(self, files: set[str]) -> "Photos":
        """Return the photos but those whose names are all of some files, links followed."""
        images = [
            [image for image in some if file_of(self.root / image) not in files]
            for some in self.images
        ]
        left = [number for number, some in enumerate(images) if some]
        places = np.full(len(self) + 1, -1, np.intp)  # the last for rows without a photo
        places[left] = np.arange(len(left))
        return Photos(
            self.root,
            [self.digests[number] for number in left],
            [images[number] for number in left],
            self.rows[left],
            places[self.numbers],
        )


def photos_of(index: Index, report: Report) -> Photos:
    """Return the photos of an index that are still there; the others are skipped."""
    numbers = np.full(len(index), -1, np.intp)
    by_digest: dict[str, int] = {}
    images: dict[int, dict[str, None]] = defaultdict(dict)
    rows: list[int] = []
    gone: set[str] = set()
    for row, (image, digest) in enumerate(zip(index.images, index.read("digest"), strict=True)):
        if image in gone:
            continue
        number = by_digest.get(digest)
        if (number is None or image not in images[number]) and not (index.root / image).exists():
            report.skip(shown_path(index.root, image), "dedupe", "not found")
            gone.add(image)
            continue
        if number is None:
            number = by_digest[digest] = len(rows)
            rows.append(row)
        images[number][image] = None
        numbers[row] = number
    every = [list(images[number]) for number in range(len(rows))]
    return Photos(index.root, list(by_digest), every, np.array(rows, np.intp), numbers)
