"""What the photos of an index can be filtered by: text, labels and folders, with counts."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePosixPath

from tvcli.core.indexes.index import Index

SHOWN = 200  # labels, and folders, that are listed at most: the most frequent ones


class Facets:
    """The labels and folders of an index's rows; each is looked at once."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def rows(
        self, text: str = "", labels: Sequence[str] = (), folders: Sequence[str] = ()
    ) -> Sequence[int]:
        """Return the rows of some labels and folders whose name or label holds a text (lower case).

        No text, no label or no folder leaves all.
        """
        rows: Sequence[int] = range(len(self.index))
        if text:
            rows = [row for row in rows if text in self._texts[row]]
        if labels:
            wanted = set(labels)
            rows = [row for row in rows if self.index.labels[row] in wanted]
        if folders:
            starts = tuple(f"{folder}/" for folder in folders)
            rows = [row for row in rows if self.index.images[row].startswith(starts)]
        return rows

    def in_order(self, rows: Sequence[int], order: str) -> Sequence[int]:
        """Return rows by `name` or by `label`; any other order leaves them as they are."""
        images, labels = self.index.images, self.index.labels
        if order == "name":
            return sorted(rows, key=lambda row: images[row])
        if order == "label":
            return sorted(rows, key=lambda row: (labels[row], images[row]))
        return rows

    def counts(
        self, text: str, labels: Sequence[str], folders: Sequence[str]
    ) -> dict[str, list[tuple[str, int]]]:
        """Return labels and folders with how many photos each would leave, the most frequent ones.

        Labels are counted in the folders chosen, folders among the labels chosen. A folder counts
        what lies in the folders inside it, too.
        """
        of_labels = Counter(self.index.labels[row] for row in self.rows(text, (), folders))
        of_folders: Counter[str] = Counter()
        direct = Counter(self._folders[row] for row in self.rows(text, labels))
        for folder, count in direct.items():
            for place in (folder, *map(str, PurePosixPath(folder).parents)):
                of_folders[place] += count
        return {
            "labels": _listed(of_labels, labels),
            "folders": _listed(of_folders, folders),
        }

    def folder(self, row: int) -> str:
        """Return the folder of a row's photo, relative to the root; empty for the root."""
        return self._folders[row]

    @cached_property
    def _texts(self) -> list[str]:
        pairs = zip(self.index.images, self.index.labels, strict=True)
        return [f"{image} {label}".lower() for image, label in pairs]

    @cached_property
    def _folders(self) -> list[str]:
        return [image.rpartition("/")[0] for image in self.index.images]


def _listed(counts: Counter[str], chosen: Sequence[str]) -> list[tuple[str, int]]:
    found = [(name, count) for name, count in counts.most_common() if name not in ("", ".", "/")]
    known = {name for name, _ in found[:SHOWN]}
    return sorted([*found[:SHOWN], *((name, counts[name]) for name in chosen if name not in known)])


def conditions(labels: Sequence[str], folders: Sequence[str]) -> list[str]:
    """Return what `tv search --where` calls being of some labels and in some folders."""
    found = []
    if labels:
        found.append(f"label in ({', '.join(map(_quoted, labels))})")
    if folders:
        found.append(" or ".join(f"image^={_quoted(f'{folder}/')}" for folder in folders))
    return found


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
