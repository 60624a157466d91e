"""What a person names on the command line, as regions of photos: files, folders, lists, records."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.exclusions import Exclusions
from tvcli.core.files.fields import FieldReader
from tvcli.core.files.parquet import is_encodings_table
from tvcli.core.files.paths import absolute_path, shown_path
from tvcli.core.files.photo_formats import MAX_BYTES, OTHER_SUFFIXES, PICTURE_START, SUFFIXES
from tvcli.core.files.pipes import STDIN, is_pipe, pipe_stream, told_unreadable
from tvcli.core.files.records import (
    HDF5_MAGIC,
    Record,
    Region,
    read_record_file,
    read_records,
    region_from_record,
)
from tvcli.core.files.sampling import ALL, Sample
from tvcli.core.files.shards import Shard, Share
from tvcli.core.files.spellings import as_on_disk
from tvcli.core.files.tables import is_table, read_table
from tvcli.core.reports import unheard

ADDRESS = re.compile("[a-z]+://", re.IGNORECASE)
LONGEST_LINE = 2**20  # bytes of a list of paths
LONGEST_NAME = 255  # bytes of a file's name that systems take
SNIFFED = 512  # bytes looked at to tell what a stream is
CONTROLS = re.compile(rb"[\x01-\x06\x0e-\x1a\x1c-\x1f]")  # but for those of terminals
INDEX_SUFFIX = ".tvx"
NEITHER = "neither a photo nor a list of paths or records"

OnUnreadable = Callable[[str, str], None]
OnLeftOut = Callable[[str], None]
OnEmpty = Callable[[str], None]
Walk = Callable[[Path], Iterable[Path]]


@dataclass(frozen=True, slots=True)
class Source:
    """Regions to encode, in order, with paths relative to `root` (or absolute)."""

    root: Path
    regions: Iterator[Region]
    arguments: tuple[str, ...] = ()
    share: Share | None = None  # where these are the regions of one shard only
    sample: Sample = ALL
    exclusions: Exclusions = field(default_factory=Exclusions)
    exif: bool = False  # whether the fields of EXIF are read

    @property
    def to_encode(self) -> Iterator[Region]:
        """The regions, told to have the fields of EXIF if these are read."""
        if not self.exif:
            return self.regions
        return (replace(region, exif=True) for region in self.regions)

    def named(self, region: Region) -> str:
        """Return the photo of a region as a person finds it from the current folder."""
        return region.image if region.data is not None else shown_path(self.root, region.image)

    def total(self) -> int | None:
        """Count the photos and the photos in folders; None where there are other arguments."""
        count = 0
        once = _each_once(self.arguments)
        for argument in self.arguments:
            path = Path(argument)
            if not (path.is_dir() or is_photo_name(path)):
                return None
            walked = once(walk_photos(path, exclusions=Exclusions(self.exclusions.every)))
            count += sum(1 for _ in walked) if path.is_dir() else 1
        count = self.sample.expected(count)
        return count if self.share is None else round(count / self.share.shard.of)

    @property
    def note(self) -> dict[str, Any]:
        """What a file records, once all regions are read: which `shard`, `exif`, and `exclude`."""
        shard = {} if self.share is None else {"shard": self.share.note()}
        exclude = {"exclude": self.exclusions.every} if self.exclusions.every else {}
        return shard | ({"exif": True} if self.exif else {}) | exclude


def open_sources(
    arguments: Sequence[str],
    *,
    stdin: IO[bytes] | None = None,
    null: bool = False,
    root: Path | None = None,
    sample: Sample = ALL,
    shard: Shard | None = None,
    on_unreadable: OnUnreadable = unheard,
    on_left_out: OnLeftOut = unheard,
    on_empty: OnEmpty = unheard,
    exclusions: Exclusions | None = None,
    fields: FieldReader | None = None,
    empty: bool = False,
) -> Source:
    """Return the regions that arguments name, each told apart by what it is.

    An argument is a photo, a folder (searched recursively, in sorted order), a text file of paths
    (relative to the current folder), a file of JSON records (paths relative to its folder), or `-`
    or a pipe by its name: records, paths (separated by newlines, or by NUL with `null`) or one
    picture on `stdin` (None: that of this process). Paths come out relative to `root`; by default
    the folder given, or the folder all arguments share. A photo of several folders comes once.
    Only the photos of `sample` come, and with `shard` only those of them that are its. Folders
    that cannot be read, pictures in folders that are of no kind that is read, and folders without
    photos beside other arguments are told. What
    `exclusions` tell is left out of folders. Regions have the fields of their records that the
    reader of `fields` keeps. Photos of which a record says that they show no object are no regions,
    unless `empty` photos are asked for too.

    Raises:
        UsageError: no arguments.
        BadInput: an argument is not there, or is no such thing.
    """
    if not arguments:
        raise UsageError("name photos, folders, a list of paths or records, or - for stdin")
    here = as_on_disk(str(Path.cwd()))
    base = Path(here, root or os.path.commonpath(roots_of(arguments)))
    stream = sys.stdin.buffer if stdin is None else stdin
    left_out = exclusions or Exclusions()
    once = _each_once(arguments)

    def walk(folder: Path) -> Iterable[Path]:
        photos = walk_photos(folder, on_unreadable, on_left_out, left_out)
        return once(_told_if_none(photos, folder, on_empty) if len(arguments) > 1 else photos)

    reader = fields or FieldReader()
    readers = [_reader(argument, stream, null, walk, reader) for argument in arguments]
    wanted = (region for regions in readers for region in regions if empty or not region.empty)
    every = (_under(region, base, here) for region in wanted)
    regions = sample.of(every, lambda region: region.image)
    share = Share(regions, shard) if shard else None
    return Source(base, iter(share or regions), tuple(arguments), share, sample, left_out)


def names_of(arguments: Sequence[str], stdin: IO[bytes], *, null: bool = False) -> Iterator[str]:
    """Yield names as they are given: on the command line, or for `-` on `stdin`."""
    for argument in arguments:
        if argument != STDIN:
            yield argument
            continue
        for name in split_stream(stdin, b"\0" if null else b"\n"):
            if name:
                yield os.fsdecode(name)


def input_files(arguments: Sequence[str]) -> list[Path]:
    """Return the arguments that are files of records, paths or rows, as provenance hashes them."""
    paths = [Path(argument) for argument in arguments if argument != STDIN]
    return [path for path in paths if path.is_file() and not is_photo_name(path)]


def is_encodings(arguments: Sequence[str], stdin: IO[bytes] | None = None) -> bool:
    """Tell whether the one argument is an HDF5 file, by how it starts."""
    if len(arguments) != 1:
        return False
    if arguments[0] == STDIN:
        return peek(stdin or sys.stdin.buffer)[0].startswith(HDF5_MAGIC)
    if is_pipe(arguments[0]):
        return peek(pipe_stream(arguments[0]))[0].startswith(HDF5_MAGIC)
    path = Path(arguments[0])
    return path.is_file() and _first_bytes(path).startswith(HDF5_MAGIC)


def is_rows(arguments: Sequence[str], stdin: IO[bytes] | None = None) -> bool:
    """Tell whether the one argument holds encodings: HDF5, or Parquet of `tv encode`."""
    if is_encodings(arguments, stdin):
        return True
    return len(arguments) == 1 and Path(arguments[0]).is_file() and is_encodings_table(arguments[0])


def is_photo_name(path: str | Path) -> bool:
    """Tell whether a file is named like a photo."""
    return Path(path).suffix.lower() in SUFFIXES


def _is_picture_name(path: Path) -> bool:
    return is_photo_name(path) or path.suffix.lower() in OTHER_SUFFIXES


def is_one_photo(arguments: Sequence[str]) -> bool:
    """Tell whether there is one argument, named like a photo, be it there or not."""
    paths = [Path(argument) for argument in arguments]
    return len(paths) == 1 and _is_picture_name(paths[0]) and not paths[0].is_dir()


def is_photo(path: Path) -> bool:
    """Tell whether a file is there that is named like a photo, or begins like one."""
    if not os.path.isfile(path):  # noqa: PTH113 - false, not an error, for names too long
        return False
    try:
        return is_photo_name(path) or bool(PICTURE_START.match(_first_bytes(path)))
    except BadInput:  # not for us to read
        return False


def walk_photos(
    folder: Path,
    on_unreadable: OnUnreadable = unheard,
    on_left_out: OnLeftOut = unheard,
    exclusions: Exclusions | None = None,
) -> Iterator[Path]:
    """Yield the photos under a folder, sorted; hidden folders and links to folders are left out.

    So is what `exclusions` tell, by default what photo managers keep beside the photos. Pictures of
    other kinds are told by `on_left_out`.
    """
    left_out = exclusions or Exclusions()

    def unreadable(error: OSError) -> None:
        on_unreadable(str(error.filename), f"folder cannot be read: {error.strerror}")

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not left_out.folder(Path(parent, name), folder)
        )
        for name in sorted(files):
            path = Path(parent, name)
            if name.startswith(".") or left_out.file(path, folder):
                continue
            if is_photo_name(name):
                yield path
            elif path.suffix.lower() in OTHER_SUFFIXES:
                on_left_out(str(path))


def _told_if_none(photos: Iterable[Path], folder: Path, tell: OnEmpty) -> Iterator[Path]:
    photo = None
    for photo in photos:
        yield photo
    if photo is None:
        tell(str(folder))


def _each_once(arguments: Sequence[str]) -> Callable[[Iterable[Path]], Iterable[Path]]:
    """Return what leaves out the photos of folders that came before, where folders are several."""
    seen = set[str]()

    def once(photos: Iterable[Path]) -> Iterator[Path]:
        for photo in photos:
            path = absolute_path(photo)
            if path not in seen:
                seen.add(path)
                yield photo

    several = sum(Path(argument).is_dir() for argument in arguments) > 1
    return once if several else iter


def roots_of(arguments: Sequence[str]) -> list[Path]:
    """Return the folder of each argument: that of photos, or where a list's paths begin."""
    return [_root_of(argument).absolute() for argument in arguments]


def _root_of(argument: str) -> Path:
    path = Path(argument)
    if argument == STDIN or is_pipe(path):
        return Path.cwd()
    if path.is_file() and not (is_photo_name(path) or _is_json(path) or is_table(path)):
        return Path.cwd()  # a list of paths
    return Path(as_on_disk(str(path if path.is_dir() else path.parent)))


def _reader(
    argument: str, stdin: IO[bytes], null: bool, walk: Walk, fields: FieldReader
) -> Iterator[Region]:
    path = Path(argument)
    if argument == STDIN:
        return _read_stream(stdin, null, fields)
    if ADDRESS.match(argument) and not path.exists():
        raise BadInput(
            f"{argument}: an address, and nothing is fetched: curl -s ADDRESS | tv ... -"
        )
    if is_pipe(path):
        return _read_pipe(argument, null, fields)
    if path.is_dir():
        if path.suffix == INDEX_SUFFIX:
            raise BadInput(
                f"{argument}: an index, where photos are needed: name the photos or their folder; "
                f"tv search -i {argument} searches it"
            )
        return (Region(str(photo)) for photo in walk(Path(as_on_disk(argument))))
    if _is_picture_name(path):
        # Even if it is not there, or of no kind that is read: it is skipped like any bad photo.
        return iter([Region(as_on_disk(argument))])
    if not path.is_file():
        raise BadInput(f"{argument}: no such file or folder")
    return _read_file(path, null, fields)


def _read_file(path: Path, null: bool, fields: FieldReader) -> Iterator[Region]:
    if is_table(path):
        if is_encodings_table(path):
            raise BadInput(f"{path}: encodings, where photos or records are needed")
        return _from_records(read_table(path), path.parent, fields)
    if _is_json(path):
        return _from_records(read_record_file(path), path.parent, fields)
    start = _first_bytes(path)
    if PICTURE_START.match(start):
        return iter([Region(str(path))])
    if start.startswith(HDF5_MAGIC):
        raise BadInput(f"{path}: an HDF5 file where photos or records are needed")
    if _is_binary(start, null):
        raise BadInput(f"{path}: {NEITHER}")
    return _from_paths(_split_file(path, b"\0" if null else b"\n"), str(path))


def _read_pipe(name: str, null: bool, fields: FieldReader) -> Iterator[Region]:
    """Yield the regions that come through a pipe, as they would on stdin; a picture by its name."""
    start, stream = peek(pipe_stream(name))
    if not start:
        raise BadInput(f"{name}: nothing came through this pipe")
    if start.startswith(HDF5_MAGIC):
        raise BadInput(f"{name}: an HDF5 file where photos or records are needed")
    for region in _read_stream(stream, null, fields):
        yield region if region.data is None else replace(region, image=name)


def _read_stream(stdin: IO[bytes], null: bool, fields: FieldReader) -> Iterator[Region]:
    start, stream = peek(stdin)
    if not start:
        raise BadInput("-: nothing on standard input")
    if start.startswith(HDF5_MAGIC):
        raise BadInput("-: an HDF5 file on standard input where photos or records are needed")
    if PICTURE_START.match(start):
        yield Region(STDIN, data=stream.read(MAX_BYTES + 1))
    elif b"\0" in start and not null:
        raise BadInput(f"-: {NEITHER} (paths that end in NUL need --null)")
    elif start.lstrip()[:1] in (b"{", b"["):
        yield from _from_records(read_records(stream, STDIN), Path(), fields)
    elif _is_binary(start, null):
        raise BadInput(f"-: {NEITHER}")
    else:
        yield from _from_paths(split_stream(stream, b"\0" if null else b"\n"), STDIN)


def _is_binary(start: bytes, null: bool) -> bool:
    """Tell whether what begins so is no list of paths: it has characters that no text has.

    A file may have them in its name, though: the first one named decides.
    """
    if b"\0" in start and not null:
        return True
    first = start.split(b"\0" if null else b"\n")[0]
    return bool(CONTROLS.search(start)) and not os.path.lexists(first)


def peek(stream: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    """Return the first bytes of a stream, and the stream with them still in it."""
    if hasattr(stream, "peek"):
        return stream.peek(SNIFFED)[:SNIFFED], stream
    start = stream.read(SNIFFED)
    stream.seek(0)
    return start, stream


def split_stream(stream: IO[bytes], separator: bytes) -> Iterator[bytes]:
    """Yield what stands between separators, without waiting for the end of the stream.

    Raises:
        BadInput: one is too long for a path.
    """
    rest, read_some = b"", getattr(stream, "read1", stream.read)
    while chunk := read_some(65536):
        *whole, rest = (rest + chunk).split(separator)
        yield from whole
        if len(rest) > LONGEST_LINE:
            raise BadInput(f"a line of more than {LONGEST_LINE >> 20} MiB: {NEITHER}")
    if rest:
        yield rest


def _split_file(path: Path, separator: bytes) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from split_stream(stream, separator)


def _from_paths(names: Iterable[bytes], where: str) -> Iterator[Region]:
    for name in names:
        if b"\0" in name or max(map(len, name.split(b"/"))) > LONGEST_NAME:
            raise BadInput(f"{where}: {NEITHER}")
        path = os.fsdecode(name)
        if path and Path(path).is_dir():
            raise BadInput(f"{where}: {path} is a folder: name it as an argument instead")
        if path:
            yield Region(as_on_disk(path))


def _from_records(
    records: Iterable[tuple[Record, str]], base: Path, fields: FieldReader
) -> Iterator[Region]:
    for record, where in records:
        region = region_from_record(record, where, fields)
        yield replace(region, image=as_on_disk(str(base / region.image)))


def _under(region: Region, root: Path, here: str) -> Region:
    if region.data is not None:
        return region
    return replace(region, image=os.path.relpath(Path(here, region.image), root))


def _first_bytes(path: Path) -> bytes:
    with told_unreadable(path), path.open("rb") as stream:
        return stream.read(SNIFFED)


def _is_json(path: Path) -> bool:
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        return True
    return path.is_file() and _first_bytes(path).lstrip()[:1] in (b"{", b"[")
