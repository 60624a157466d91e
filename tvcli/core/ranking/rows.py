"""The rows of an encodings file as items of triplets, found by photo, box and mirror."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, area, iou
from tvcli.core.files.paths import absolute_path, path_in, photos_root
from tvcli.core.ranking.triplets import Item

SAME_BOX = 0.99  # IoU from which two boxes are one: files keep them as float32


class Table(Protocol):
    """Rows that can be read by column: encodings, or an index."""

    path: Path
    settings: dict[str, Any]

    def read(self, name: str) -> Any:
        """Return a column: an array, or a list of text."""
        ...


class RowTable:
    """What the rows of an encodings file show; nothing of the encodings themselves is read.

    `name` is where the file would lie if it were not a temporary one.
    """

    def __init__(self, encodings: Table, name: Path | None = None) -> None:
        folder = (name or encodings.path).absolute().parent
        self.root = photos_root(encodings.settings, folder)
        root = absolute_path(self.root)
        self.images = [path_in(root, name) for name in encodings.read("image")]
        self.labels: list[str] = encodings.read("label")
        self._flips: npt.NDArray[np.bool_] = encodings.read("flip")
        self._regions: list[Box] = list(map(_box, encodings.read("region").tolist()))
        self._boxes: list[Box] = list(map(_box, encodings.read("box").tolist()))
        self._rows: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
        for row, key in enumerate(zip(self.images, self._flips.tolist(), strict=True)):
            self._rows[key].append(row)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def photos(self) -> npt.NDArray[np.intp]:
        """The photo of each row, as a number."""
        return np.unique(self.images, return_inverse=True)[1]

    @property
    def flips(self) -> npt.NDArray[np.bool_]:
        """Which rows show a mirror image."""
        return self._flips

    def item(self, row: int, label: str = "") -> Item:
        """Return what a row shows."""
        region = self._regions[row]
        return Item(self.images[row], region, bool(self._flips[row]), label or self.labels[row])

    def row_of(self, item: Item) -> int:
        """Return the row that shows an item, or -1; without a box, the photo's largest."""
        rows = self._rows.get((item.image, item.flip), [])
        if item.box is None:
            return max(rows, key=lambda row: area(self._regions[row]), default=-1)
        return next((row for row in rows if self._shows(row, item.box)), -1)

    def _shows(self, row: int, box: Box) -> bool:
        known = self._regions[row], self._boxes[row]
        return box in known or any(own[0] >= 0 and iou(own, box) >= SAME_BOX for own in known)


def _box(values: list[float]) -> Box:
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1
