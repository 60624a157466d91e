"""The labels of an index's rows: those it keeps, its photos' folders, or those of a file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Columns
from tvcli.core.files.paths import absolute_path
from tvcli.core.indexes.index import Index
from tvcli.core.labelling.votes import NONE, Codes
from tvcli.core.ranking.labels import folder_label, read_labels
from tvcli.core.reports import Report

KEPT, FOLDERS = "index", "folders"


@dataclass(frozen=True, slots=True)
class GalleryLabels:
    """The `names` of labels, and the `codes` (N,) of those that the rows of an index have.

    `source` is where they are from; `labels` are those of a file, by absolute path.
    """

    source: str
    names: list[str]
    codes: Codes
    labels: dict[str, str] | None = None

    @property
    def origin(self) -> str:
        """What to add to a label where nobody may have meant it for one."""
        return " (the name of their folder)" if self.source == FOLDERS else ""

    def own(self, columns: Columns, root: Path) -> Codes:
        """Return the codes (n,) of the labels of other photos, -1 for those the index lacks."""
        if self.source == KEPT:
            labels = list(columns["label"])
        else:
            labels = [_label(absolute_path(root / i), self.labels) for i in columns["image"]]
        return _codes(labels, self.names)


def gallery_labels(index: Index, source: str | None, report: Report) -> GalleryLabels:
    """Return the labels of an index's rows, from `index`, `folders` or a file of records.

    With None those that the index keeps, or where it keeps none those of the folders.

    Raises:
        BadInput: there are none, or the file cannot be read.
    """
    kept: list[str] = index.labels if source in (None, KEPT) else []
    if any(kept):
        return _found(KEPT, kept)
    if source == KEPT:
        raise BadInput(f"{index.path}: keeps no labels; name others with --labels folders or FILE")
    labels = None if source in (None, FOLDERS) else read_labels(Path(str(source)), report)
    images = [absolute_path(index.root / image) for image in index.images]
    found = [_label(image, labels) for image in images]
    if not any(found):
        raise BadInput(f"--labels {source}: names no photo of {index.path}, such as {images[0]}")
    return _found(source or FOLDERS, found, labels)


def _found(source: str, labels: list[str], told: dict[str, str] | None = None) -> GalleryLabels:
    names = sorted(set(labels) - {""})
    return GalleryLabels(source, names, _codes(labels, names), told)


def _codes(labels: list[str], names: list[str]) -> Codes:
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(label, NONE) for label in labels], np.intp)


def _label(image: str, labels: dict[str, str] | None) -> str:
    return folder_label(image) if labels is None else labels.get(image, "")
