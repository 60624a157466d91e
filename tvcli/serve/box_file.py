"""The file of boxes that the box editor writes: the records of `tv crops`, photo by photo."""

import json
import os
from pathlib import Path
from typing import Any

from tvcli.core.boxes import as_box, clip
from tvcli.core.errors import BadInput
from tvcli.core.files.paths import folder_of
from tvcli.core.files.records import Record
from tvcli.core.images.photo import digest
from tvcli.serve.answers import Refused
from tvcli.serve.collection import Collection
from tvcli.serve.record_file import RecordFile

OWN = ("image", "width", "height", "box", "label")  # fields; a record's others are kept as they are


class BoxFile:
    """The boxes of a collection's photos, as they are on disk.

    Every photo has a version that changes with its boxes, so that two pages notice each other.
    """

    def __init__(self, path: Path, collection: Collection) -> None:
        self.file, self.collection = RecordFile(path), collection
        self._folder = str(folder_of(path))
        self._paths = [_normal(str(collection.root), name) for name in collection.names]
        self._of = self._grouped()

    def reload(self) -> None:
        """Read the file again, after another program changed it; raises BadInput."""
        with self.file.lock:
            self.file.load()
            self._of = self._grouped()

    def count(self, place: int) -> int:
        """Return how many boxes a photo has."""
        return sum("box" in record for record in self._of.get(self._paths[place], []))

    def boxes(self, place: int) -> list[dict[str, Any]]:
        """Return the boxes of a photo: `box`, `label`, and in `fields` what else is known."""
        return [
            _shown(record) for record in self._of.get(self._paths[place], []) if "box" in record
        ]

    def version(self, place: int) -> str:
        """Return the hash of a photo's boxes: the same after a restart, if they are the same."""
        records = self._of.get(self._paths[place], [])
        return digest(json.dumps(records, sort_keys=True).encode())

    def put(self, place: int, version: str, boxes: list[Any]) -> str:
        """Replace the boxes of a photo, on disk too, and return their version.

        Raises:
            Refused: (409) the boxes or the file were changed meanwhile; (400) a box is none.
            BadImage: the photo cannot be read.
        """
        width, height = self.collection.size(place)
        with self.file.lock:
            if version != self.version(place):
                raise Refused(409, "the boxes of this photo were changed in another page")
            path, before = self._paths[place], self._of
            known = before.get(path)
            name = known[0]["image"] if known else os.path.relpath(path, self._folder)
            records = [_record(name, width, height, box) for box in boxes]
            self._of = before | {path: records}
            try:
                self.file.save(record for records in self._of.values() for record in records)
            except (Refused, BadInput):
                self._of = before
                raise
            return self.version(place)

    def labels(self) -> list[str]:
        """Return the labels in the file, the most frequent first."""
        counts: dict[str, int] = {}
        for record in self.file.records:
            if label := record.get("label"):
                counts[str(label)] = counts.get(str(label), 0) + 1
        return sorted(counts, key=lambda label: (-counts[label], label))

    def _grouped(self) -> dict[str, list[Record]]:
        grouped: dict[str, list[Record]] = {}
        for record in self.file.records:
            image = record.get("image")
            if not isinstance(image, str):
                raise BadInput(f'{self.file.path}: a record without "image": no file of boxes')
            grouped.setdefault(_normal(self._folder, image), []).append(record)
        return grouped


def _normal(folder: str, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))  # noqa: PTH118 - links stay as they are


def _record(name: str, width: int, height: int, shown: Any) -> Record:
    try:
        box = clip(as_box(shown["box"]), width, height)
        label, fields = str(shown.get("label") or ""), dict(shown.get("fields") or {})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(400, f"no box: {error}") from None
    if box is None:
        raise Refused(400, f"box {shown['box']} lies outside the photo")
    sides = [int(side) if side.is_integer() else side for side in box]
    record: Record = {"image": name, "width": width, "height": height, "box": sides}
    others = {key: value for key, value in fields.items() if key not in OWN}
    return record | ({"label": label} if label else {}) | others


def _shown(record: Record) -> dict[str, Any]:
    fields = {name: value for name, value in record.items() if name not in OWN}
    return {"box": record["box"], "label": record.get("label") or "", "fields": fields}
