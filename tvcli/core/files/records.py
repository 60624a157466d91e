"""JSON Lines records: one object a line, read with its place so that errors can name it."""

import codecs
import json
import math
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from tvcli.core.boxes import Box, as_box
from tvcli.core.errors import BadInput
from tvcli.core.files.atomic_write import atomic_write, is_stream
from tvcli.core.files.fields import FieldReader, Fields
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import is_path, said_of_folder
from tvcli.core.files.pipes import opened, told_unreadable
from tvcli.core.files.strict_json import parse_json

if TYPE_CHECKING:  # it takes as long to load as all of tv --help
    import numpy as np
    import numpy.typing as npt

Record = dict[str, Any]

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_LINE = 16 * 2**20  # bytes; a record is a few hundred, so a longer line is not one
MAX_ARRAY = 16 * MAX_LINE  # bytes; an array is read whole, lines one by one
# What a terminal would act on (C1, changes of direction), and names that are not UTF-8.
NON_STANDARD = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What an encoder is to see of a region, made while its photo was open for something else.

    `pixels` (size, size, 3) uint8; `width`, `height`, the content hash `digest` and the `note` are
    the photo's.
    """

    pixels: "npt.NDArray[np.uint8]"
    width: int
    height: int
    digest: str
    note: str


@dataclass(frozen=True, slots=True)
class Region:
    """What to encode: a photo, or a part of it, with what is known about it.

    `crop` is the part to encode (None: the whole photo), in pixels of the photo as displayed;
    `box` the object in the photo; `target` what a crop is for. `data` holds the photo itself when
    it came through a pipe. `position` is its place in the whole list where this is a shard of it.
    `fields` is what else its record says; with `exif` what the photo's EXIF says is added. `empty`:
    its record says that the photo was looked at and shows no object. A region that is `prepared`
    needs no photo.
    """

    image: str
    crop: Box | None = None
    box: Box | None = None
    label: str = ""
    split: str = ""
    flip: bool = False
    target: str = ""
    data: bytes | None = None
    position: int = -1
    fields: Fields = ()
    exif: bool = False
    empty: bool = False
    prepared: Prepared | None = field(default=None, compare=False, repr=False)


def read_records(stream: IO[bytes], name: str, before: int = 0) -> Iterator[tuple[Record, str]]:
    """Yield the objects of a JSON Lines stream, or of one plain JSON array, each with its place.

    `before` are the lines that somebody else has read.

    Raises:
        BadInput: a line is not an object of JSON; the message gives `name` and the line.
    """
    for number, line in _lines(stream, name, before):
        if number == 1 and line.lstrip().startswith(b"["):
            yield from _read_array(line, stream, name)
            return
        if line.strip():
            where = f"{name}:{number}"
            record = parse_record(line, where)
            if not is_note(record):
                yield record, where


def read_record_file(path: Path) -> Iterator[tuple[Record, str]]:
    """Yield the records of a file, of standard input (`-`) or of a pipe, each with its place.

    Raises:
        BadInput: as `read_records` does, or it cannot be read.
    """
    with record_stream(path) as stream:
        yield from read_records(stream, str(path))


@contextmanager
def record_stream(path: Path) -> Iterator[BinaryIO]:
    """Open a file of records, standard input (`-`) or a pipe; raises BadInput where it cannot."""
    if path.is_dir():
        raise BadInput(f"{path}: {said_of_folder(path)}, where a file of records is needed")
    with told_unreadable(path), opened(path) as stream:
        yield stream


def is_note(record: Record) -> bool:
    """Tell whether this is the last line of a shard's records, which notes what they are."""
    return record.keys() == {"shard"}


def dump_record(record: Record) -> str:
    """Return a record as one line of JSON, without the newline.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 holds lone surrogates: escaped, they survive the pipe.
    return json.dumps(record, allow_nan=False) if NON_STANDARD.search(text) else text


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records beside `path` and rename; return how many. The old file stays until then.

    Raises:
        BadInput: others are writing it, or its folder cannot be made or written.
    """
    return write_lines(path, map(dump_record, records))


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write lines as `write_records` does records; return how many."""
    count = 0
    with (
        writing(path),
        atomic_write(path) as partial,
        partial.open("w", encoding="utf-8") as stream,
    ):
        for count, line in enumerate(lines, 1):  # noqa: B007
            stream.write(f"{line}\n")
        stream.flush()
        if not is_stream(path):
            os.fsync(stream.fileno())
    return count


def region_from_record(record: Record, where: str, fields: FieldReader | None = None) -> Region:
    """Return what a record of boxes, crops, detections or items asks to encode.

    A `crop` is encoded rather than the `box` it was cut around; with neither, the whole photo.
    With a reader of `fields` it has those of the record.

    Raises:
        BadInput: no `image`, or a box that is none; the message starts with `where`.
    """
    image, crop, box = part_from_record(record, where)
    return Region(
        image=image,
        crop=crop,
        box=box,
        label=text_from_record(record, "label", where),
        split=text_from_record(record, "split", where),
        flip=record.get("flip") is True,
        target=text_from_record(record, "target", where),
        empty=record.get("empty") is True and box is None,
        fields=fields.read(record) if fields else (),
    )


def part_from_record(record: Record, where: str) -> tuple[str, Box | None, Box | None]:
    """Return the path of a record's photo, the part to encode, and the object's box.

    Raises:
        BadInput: as `region_from_record` does.
    """
    image = record.get("image")
    if not is_path(image):
        raise BadInput(f'{where}: a record needs an "image" (the path of a photo)')
    box = _box_of(record, "box", where)
    return image, _box_of(record, "crop", where) or box, box


def _box_of(record: Record, field: str, where: str) -> Box | None:
    if record.get(field) is None:
        return None
    try:
        return as_box(record[field])
    except ValueError as error:
        raise BadInput(f"{where}: {field}: {error}") from None


def text_from_record(record: Record, field: str, where: str) -> str:
    """Return a field as text, empty where there is none; raises BadInput where it is no text."""
    value = record.get(field)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool) or value == math.inf:
        raise BadInput(f'{where}: "{field}" must be text')
    text = str(value)
    if text and not is_path(text):  # nor can HDF5 hold it
        raise BadInput(f'{where}: "{field}" must be text without NUL, and with whole characters')
    return text


def _lines(stream: IO[bytes], name: str, before: int) -> Iterator[tuple[int, bytes]]:
    number = before
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if len(line) > MAX_LINE and not line.lstrip().startswith(b"["):
            raise BadInput(f"{name}:{number}: line longer than {MAX_LINE >> 20} MiB, not a record")
        yield number, line


def _read_array(start: bytes, stream: IO[bytes], name: str) -> Iterator[tuple[Record, str]]:
    text = start + stream.read(MAX_ARRAY)
    if len(text) > MAX_ARRAY:
        raise BadInput(f"{name}: an array of more than {MAX_ARRAY >> 20} MiB: write JSON Lines")
    values = _decode(text, name)
    if not isinstance(values, list):
        raise BadInput(f"{name}: not a JSON array of records")
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise BadInput(f"{name}: item {number} of the array is not an object")
        yield value, f"{name}: item {number}"


def parse_record(line: bytes, where: str) -> Record:
    """Return the object of JSON that a line is; raises BadInput, with `where` in the message."""
    value = _decode(line, where)
    if not isinstance(value, dict):
        raise BadInput(f"{where}: not a JSON object")
    return value


def _decode(text: bytes, where: str) -> Any:
    if text.startswith(HDF5_MAGIC[:4]):
        raise BadInput(f"{where}: HDF5, where JSON Lines are needed")
    try:
        return parse_json(text)
    except ValueError as error:
        reason = str(error).split(": line")[0]
        raise BadInput(f"{where}: not JSON: {reason}") from None
