"""The file of boxes that the box editor writes: the records of `tv crops`, photo by photo."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from tvcli.core.boxes import as_box, clip
from tvcli.core.errors import BadInput
from tvcli.core.files.paths import folder_of
from tvcli.core.files.records import Record, text_from_record
from tvcli.core.images.photo import digest
from tvcli.serve.answers import Refused
from tvcli.serve.collection import Collection
from tvcli.serve.record_file import RecordFile

OWN = ("image", "width", "height", "box", "label", "empty")  # a record's other fields are kept


class _BoxRecords(RecordFile):
    def check(self, records: list[Record]) -> None:
        """Raise BadInput where a record names no photo."""
        if not all(isinstance(record.get("image"), str) for record in records):
            raise BadInput(f'{self.path}: a record without "image": no file of boxes')


class BoxFile:
    """The boxes of a collection's photos, as they are on disk.

    A photo that was looked at and shows no object has one record, `"empty": true`. Every photo has
    a version that changes with its records, so that two pages notice each other.
    """

    def __init__(self, path: Path, collection: Collection) -> None:
        self.file, self.collection = _BoxRecords(path), collection
        self._folder = str(folder_of(path))
        self._paths = [_normal(str(collection.root), name) for name in collection.names]
        self._of = self._grouped()

    def reload(self) -> None:
        """Read the file again, after another program changed it; raises BadInput."""
        with self.file.lock:
            self.file.load()
            self._of = self._grouped()

    def refresh(self) -> None:
        """Read the file again if it was changed; where it cannot be read, what is known stays."""
        if self.file.is_changed() and not self.file.is_gone():
            with suppress(BadInput):
                self.reload()

    def count(self, place: int) -> int:
        """Return how many boxes a photo has."""
        return sum(_has_box(record) for record in self._records(place))

    def is_empty(self, place: int) -> bool:
        """Tell whether a photo was looked at and shows no object."""
        records = self._records(place)
        return any(map(_is_empty, records)) and not any(map(_has_box, records))

    def boxes(self, place: int) -> list[dict[str, Any]]:
        """Return the boxes of a photo: `box`, `label`, and in `fields` what else is known."""
        return [_shown(record) for record in self._records(place) if _has_box(record)]

    def version(self, place: int) -> str:
        """Return the hash of a photo's boxes: the same after a restart, if they are the same."""
        return digest(json.dumps(self._records(place), sort_keys=True).encode())

    def put(self, place: int, version: str, boxes: list[Any], *, empty: bool = False) -> str:
        """Replace the boxes of a photo, on disk too, and return their version.

        `empty`: it was looked at and shows no object. Records of it that are neither stay.

        Raises:
            Refused: (409) the boxes or the file were changed meanwhile; (400) a box is none, or
                there are boxes on an empty photo.
            BadImage: the photo cannot be read.
        """
        if empty and boxes:
            raise Refused(400, "a photo with boxes is not empty")
        width, height = self.collection.size(place)
        with self.file.lock:
            if version != self.version(place):
                raise Refused(409, "the boxes of this photo were changed in another page")
            path, before = self._paths[place], self._of
            known = before.get(path, [])
            name = known[0]["image"] if known else os.path.relpath(path, self._folder)
            records = [r for r in known if not _has_box(r) and not _is_empty(r)]
            records += [_record(name, width, height, box) for box in boxes]
            if empty:
                records.append({"image": name, "width": width, "height": height, "empty": True})
            self._of = before | {path: records}
            try:
                self.file.save(record for records in self._of.values() for record in records)
            except (Refused, BadInput):
                self._of = before
                raise
            return self.version(place)

    def labels(self) -> list[str]:
        """Return the labels in the file, in the order in which they were first given."""
        return list(dict.fromkeys(filter(None, map(_label, self.file.records))))

    def last(self) -> tuple[int | None, str]:
        """Return the photo and the label that came last into the file; None: none of ours."""
        places = {path: place for place, path in enumerate(self._paths)}
        done = [path for path, records in self._of.items() if records and path in places]
        given = filter(None, map(_label, reversed(self.file.records)))
        return places[done[-1]] if done else None, next(given, "")

    def _records(self, place: int) -> list[Record]:
        return self._of.get(self._paths[place], [])

    def _grouped(self) -> dict[str, list[Record]]:
        grouped: dict[str, list[Record]] = {}
        for record in self.file.records:
            grouped.setdefault(_normal(self._folder, record["image"]), []).append(record)
        return grouped


def _normal(folder: str, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))  # noqa: PTH118 - links stay as they are


def _has_box(record: Record) -> bool:
    """Tell whether a record has a box that can be drawn; others are kept as they are."""
    try:
        as_box(record.get("box"))
    except ValueError:
        return False
    return True


def _is_empty(record: Record) -> bool:
    """Tell whether a record says that its photo shows no object; converted ones have a null box."""
    return record.get("empty") is True or ("box" in record and record["box"] is None)


def _record(name: str, width: int, height: int, shown: Any) -> Record:
    try:
        box = clip(as_box(shown["box"]), width, height)
        label, fields = text_from_record(shown, "label", "a box"), dict(shown.get("fields") or {})
    except (BadInput, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(400, f"no box: {error}") from None
    if box is None:
        raise Refused(400, f"box {shown['box']} lies outside the photo")
    sides = [int(side) if side.is_integer() else side for side in box]
    record: Record = {"image": name, "width": width, "height": height, "box": sides}
    others = {key: value for key, value in fields.items() if key not in OWN}
    return record | ({"label": label} if label else {}) | others


def _label(record: Record) -> str:
    """Return a record's label as text; a file may have numbers, of which 0 is one."""
    label = record.get("label")
    return "" if label is None else str(label)


def _shown(record: Record) -> dict[str, Any]:
    fields = {name: value for name, value in record.items() if name not in OWN}
    return {"box": record["box"], "label": _label(record), "fields": fields}
