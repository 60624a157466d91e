"""The key points that an index keeps of its photos, found by content and region, not by row.

So rows may come and go: what is known stays known, and what is new is described when asked for.
"""

import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines import Rows
from tvcli.core.errors import BadInput, Outdated
from tvcli.core.files.artifacts import Artifact, open_artifact, slices, write_artifact
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import shown_path
from tvcli.core.images.photo import BadImage, decode_photo, read_photo
from tvcli.core.indexes.index import Index, contents_of, open_index
from tvcli.core.indexes.manifest import Manifest, write_manifest
from tvcli.core.indexes.words import NAME as WORDS
from tvcli.core.indexes.words import KeptWords, write_words
from tvcli.core.matching.feature_columns import COLUMNS, as_columns, from_columns
from tvcli.core.matching.features import LENGTHS, SIDE, Keypoints, Method, describe
from tvcli.core.parallel import cores
from tvcli.core.reports import Report

PHOTOS_A_BLOCK = 256  # photos described and written at a time
SAMPLED = 16  # rows by which it is seen that a file was written for the rows of an index
ROWS_OF = "rows_of"  # the setting of such a file that names them
NAME = "keypoints-{}.h5"


class Kept:
    """Open key points of an index's photos; photos they lack are described from their files."""

    def __init__(self, index: Index, method: Method, file: Artifact | None, report: Report) -> None:
        self.method = method
        self._index, self._file, self._report = index, file, report
        if file is not None:
            self._places = _places_in(file, index)

    def read(self, rows: Rows, names: Sequence[str] = COLUMNS) -> list[Keypoints]:
        """Return the key points of some rows of the index; empty for a photo that is no more.

        Of those that are kept, only the columns named.
        """
        known = self.known(rows, names)
        unknown = [row for row, kept in zip(rows, known, strict=True) if kept is None]
        found = []
        with ThreadPoolExecutor(cores()) as pool:
            new = pool.map(self.described, unknown)
            for row, keypoints in zip(rows, known, strict=True):
                if keypoints is None:
                    keypoints, failure = next(new)
                    if failure:
                        shown = shown_path(Path(), str(self.photo(row)))
                        self._report.skip(shown, "keypoints", failure)
                found.append(keypoints)
        return found

    def known(self, rows: Rows, names: Sequence[str] = COLUMNS) -> list[Keypoints | None]:
        """Return the key points of some rows of the index; None for those that are not kept."""
        if self._file is None:
            return [None] * len(rows)
        places = self._places[rows]
        stored = places[places >= 0]
        columns = {name: self._file.read(name, stored) for name in names}
        kept = iter(from_columns(columns, self.method))
        return [None if place < 0 else next(kept) for place in places]

    @property
    def is_empty(self) -> bool:
        """Tell whether no photo of the index is kept."""
        return self._file is None

    @property
    def lacks_some(self) -> bool:
        """Tell whether not all photos of the index are kept."""
        return self._file is not None and bool((self._places < 0).any())

    def known_in_order(self, rows: Rows) -> Iterator[Keypoints | None]:
        """Yield the key points of many rows, or None, a block in memory at a time."""
        for some in slices(len(rows), PHOTOS_A_BLOCK):
            yield from self.known(rows[some])

    def described(self, row: int) -> tuple[Keypoints, str]:
        """Return the key points of a photo from its file; of a bad one none, and what is wrong."""
        ((x0, y0, x1, y1),) = self._index.read("region", np.array([row])).tolist()
        region = x0, y0, x1, y1
        try:
            data = read_photo(self.photo(row))
            photo = decode_photo(data, size=SIDE, crops=[region])
            return describe(photo, method=self.method, crop=region), ""
        except BadImage as error:
            none = np.empty((0, 2), np.float32), np.empty((0, LENGTHS[self.method]), np.uint8)
            return Keypoints(*none, np.zeros((1, 1), np.uint8), region, self.method), str(error)

    def photo(self, row: int) -> Path:
        """Return where the photo of a row lies."""
        (image,) = self._index.read("image", np.array([row]))
        return self._index.root / str(image)


def _places_in(file: Artifact, index: Index) -> Rows:
    """Return at which row a file has what is kept of each row of an index, (n,), -1 for none.

    One that says that it was written for these very rows, and has the contents of a few of them,
    is taken at its word: to compare the contents of all takes 15 us a row, at every start.
    """
    named = _rows_of(index.manifest)
    if named and file.settings.get(ROWS_OF) == named and len(file) == len(index):
        some = np.unique(np.linspace(0, len(index) - 1, SAMPLED).astype(np.intp))
        if contents_of(file, some) == contents_of(index, some):
            return np.arange(len(index))
    places = {content: place for place, content in enumerate(contents_of(file))}
    return np.array([places.get(one, -1) for one in index.contents], np.intp)


def _rows_of(manifest: Manifest) -> list[Any]:
    """Return what names the rows of an index, as JSON: files never change. [] in a database."""
    segments = [[segment.file, segment.rows] for segment in manifest.segments]
    return [segments, manifest.removed] if segments else []


@contextmanager
def kept_keypoints(index: Index, method: Method | None, report: Report) -> Iterator[Kept]:
    """Open the key points of an index's photos, by `method` (None: the one kept, else ORB).

    Raises:
        BadInput: the file kept is damaged.
        Outdated: an older tv wrote it.
    """
    kept = index.settings.get("keypoints")
    if kept is None or method not in (None, kept["method"]):
        yield Kept(index, method or "orb", None, report)
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open_artifact(index.path / kept["file"], "keypoints"))
        except Outdated as error:
            mend = f"tv index PHOTOS -o {shlex.quote(str(index.path))} --update --keypoints"
            what = f"{index.path}: its key points were kept by an older tv; keep them again"
            raise Outdated(f"{what}: {mend}") from error
        if file.row_shape[1:] != (LENGTHS.get(kept["method"]),):
            raise BadInput(f"{file.path}: not key points of {kept['method']}; index again")
        yield Kept(index, kept["method"], file, report)


def lacks_some(index: Index) -> bool:
    """Tell whether key points of photos lack: the update that added them was ended before these.

    None lack where an older tv kept them, of which nothing is used.

    Raises:
        BadInput: the file kept is damaged.
    """
    try:
        with kept_keypoints(index, None, Report()) as kept:
            return kept.lacks_some
    except Outdated:
        return False


def keep_keypoints(target: Path, method: Method | None, report: Report) -> Manifest:
    """Describe all photos of an index and keep that in it; what it knows is not done again.

    Without a `method` it is that of the key points kept, else ORB.

    Raises:
        BadInput: no index, or it cannot be written.
    """
    with writing(target), open_index(target) as index:
        old = index.settings.get("keypoints")
        method = method or (old["method"] if old else "orb")
        file = NAME.format(int(old["file"][10:-3]) + 1 if old else 1)
        about = {"file": file, "method": method}
        named = about | {ROWS_OF: _rows_of(index.manifest)}
        with ExitStack() as stack:
            try:
                kept = stack.enter_context(kept_keypoints(index, method, report))
            except Outdated:  # then nothing is known
                kept = Kept(index, method, None, report)
            writer = stack.enter_context(write_artifact(target / file, "keypoints", named, {}))
            report.start("key points", "photos", len(index))
            for some in slices(len(index), PHOTOS_A_BLOCK):
                columns = as_columns(kept.read(np.arange(some.start, some.stop)))
                known = {name: index.read(name, some) for name in ("image", "digest", "region")}
                writer.append(columns | known)
                report.advance(some.stop - some.start)
        settings = {**index.settings, "keypoints": about}
        words = settings.pop("words", None)
        if method == "orb":
            settings |= _words_kept(target, file, words)
        manifest = replace(index.manifest, settings=settings)
        write_manifest(target, manifest)
    for gone in (old, words):
        if gone and gone["file"] not in (about["file"], settings.get("words", about)["file"]):
            (target / gone["file"]).unlink(missing_ok=True)
    return manifest


def _words_kept(target: Path, file: str, old: dict[str, str] | None) -> dict[str, dict[str, str]]:
    """Write the visual words of an index's key points; return the setting that names their file."""
    number = int(old["file"][6:-3]) + 1 if old else 1
    path = target / WORDS.format(number)
    with ExitStack() as stack:
        keypoints = stack.enter_context(open_artifact(target / file, "keypoints"))
        known = stack.enter_context(open_artifact(target / old["file"], "words")) if old else None
        write_words(path, keypoints, known)
    return {"words": {"file": path.name}} if path.exists() else {}


@contextmanager
def kept_words(index: Index) -> Iterator[KeptWords | None]:
    """Open the visual words that an index keeps; None where it keeps none.

    Raises:
        BadInput: the file kept is damaged.
    """
    kept = index.settings.get("words")
    if kept is None:
        yield None
        return
    with open_artifact(index.path / kept["file"], "words") as file:
        yield KeptWords(file, _places_in(file, index))
