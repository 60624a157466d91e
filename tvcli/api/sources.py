"""Collections of photos as a program has them: folders, files, lists, records."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tvcli.api.photos import PathLike, PhotoLike, is_photo_in_memory, path_of, region_of
from tvcli.core.errors import UsageError
from tvcli.core.files.records import Record, dump_record, region_from_record
from tvcli.core.files.sources import Source, input_files, is_photo_name, open_sources
from tvcli.core.reports import Report


@runtime_checkable
class HasRecord(Protocol):
    """A result that is also a record: a detection, a hit."""

    def as_record(self) -> Record:
        """Return it as JSON can hold it."""
        ...


Item = PathLike | Mapping[str, Any] | HasRecord
SourceLike = Item | Iterable[Item]


@dataclass(frozen=True, slots=True)
class Named:
    """What core reads as arguments of a command line, under `root` (None: as core tells it).

    `inputs` are the files among them, as provenance hashes them.
    """

    arguments: list[str]
    root: Path | None
    inputs: list[Path]

    def open(self, report: Report) -> Source:
        """Return the regions of photos that are named; raises as `open_sources` does."""
        return open_sources(self.arguments, root=self.root, on_unreadable=report.unreadable)


@contextmanager
def named(source: SourceLike, root: Path | None = None) -> Iterator[Named]:
    """Give the arguments that a source stands for; records in memory become a temporary file.

    Images of records are relative to the current folder.

    Raises:
        UsageError: nothing is named, or something that is neither a path nor a record.
        BadInput: a record without an image, or with a box that is none.
    """
    items = _items(source)
    if not any(isinstance(item, Mapping | HasRecord) for item in items):
        arguments = [path_of(item) for item in items if isinstance(item, str | os.PathLike)]
        yield Named(arguments, root, input_files(arguments))
        return
    records = [_record(item, f"record {number}") for number, item in enumerate(items, 1)]
    common = os.path.commonpath([Path(record["image"]).parent for record in records])
    with tempfile.TemporaryDirectory(prefix="tvcli-") as folder:
        path = Path(folder) / "records.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(dump_record(record) + "\n" for record in records)
        yield Named([str(path)], root or Path(common), [])


@contextmanager
def opened_photos(
    photos: SourceLike | PhotoLike | Iterable[PhotoLike], report: Report
) -> Iterator[Source]:
    """Give the regions of photos, which may be in memory; raises as `named` does."""
    items: Any = [photos] if is_photo_in_memory(photos) else photos
    items = items if isinstance(items, str | os.PathLike | Mapping | HasRecord) else list(items)
    if isinstance(items, list) and any(map(is_photo_in_memory, items)):
        yield Source(Path.cwd(), (region_of(item, n) for n, item in enumerate(items, 1)))
        return
    with named(items) as known:
        yield known.open(report)


def _items(source: SourceLike) -> list[Item]:
    single = isinstance(source, str | os.PathLike | Mapping | HasRecord)
    items: Any = [source] if single or is_photo_in_memory(source) else source
    try:
        found = list(items)
    except TypeError:
        raise UsageError(f"name photos, folders or records, not {source!r:.60}") from None
    if not found:
        raise UsageError("name photos, folders, a list of paths, or records; the list is empty")
    for item in found:
        if is_photo_in_memory(item):
            raise UsageError("a photo in memory has no path to be found by: save it, and name that")
        if not isinstance(item, str | os.PathLike | Mapping | HasRecord):
            raise UsageError(f"name photos, folders or records, not {item!r:.60}")
    return found


def _record(item: Item, where: str) -> Record:
    """Return a record, or the record of a photo's path, with an absolute path."""
    if isinstance(item, str | os.PathLike):
        if not is_photo_name(path := path_of(item)):
            raise UsageError(f"{path}: records go with photos, and not with folders or files")
        record: Record = {"image": path}
    else:
        record = dict(item if isinstance(item, Mapping) else item.as_record())
    region = region_from_record(record, where)  # sees that it is one
    return record | {"image": os.path.abspath(region.image)}  # noqa: PTH100 - links stay
