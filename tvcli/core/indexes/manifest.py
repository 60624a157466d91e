"""The manifest of an index: `index.json`, which names the files that belong together."""

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.engines import STRUCTURES
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import Rows, checked_settings, sync
from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.files.paths import MANIFEST, is_file_name, is_path
from tvcli.core.files.strict_json import parse_json

VERSION = 2
REMOTE = "postgresql"  # the engine of an index whose rows lie in a database
# Settings that name files kept.
ATTACHED = ("rank", "maps", "shortlist", "classifier", "boxes", "keypoints", "words", "graph")
BY_ROW = ("maps",)  # those of them that hold something for every row stored

EDITED_FIELDS = "edited_fields"  # the setting that names the file of fields edited since


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of embeddings, which never changes once it is named here, and how many it holds."""

    file: str
    rows: int


@dataclass(slots=True)
class Manifest:
    """What `index.json` holds: which files belong together, and what is known of them.

    The rows stored are those of the segments, one after the other; `removed` are the runs of them
    [first, end) that are no longer of the index. The first segment is the one that the search
    structure covers; `ann` describes its file: its name, bytes, effort and the recall@10
    measured; {} if none. `auto` tells whether the engine was chosen by the number of rows.
    """

    segments: list[Segment]
    dimension: int
    engine: str
    settings: dict[str, Any]
    provenance: dict[str, Any]
    removed: list[list[int]] = field(default_factory=list)
    ann: dict[str, Any] = field(default_factory=dict)
    auto: bool = True
    type: str = "index"
    version: int = VERSION

    @property
    def stored(self) -> int:
        """How many rows its segments hold, with those removed."""
        return sum(segment.rows for segment in self.segments)

    @property
    def rows(self) -> int:
        """How many rows the index has; of one in a database, when it was last written here."""
        if self.engine == REMOTE:
            return int(self.ann["rows"])
        return self.stored - sum(end - first for first, end in self.removed)

    @property
    def live(self) -> Rows | None:
        """The rows stored that the index has, rising; None for all of them."""
        return np.flatnonzero(self.kept()) if self.removed else None

    def kept(self) -> npt.NDArray[np.bool_]:
        """Return for every row stored whether the index has it."""
        kept = np.ones(self.stored, bool)
        for first, end in self.removed:
            kept[first:end] = False
        return kept

    @property
    def ann_file(self) -> str:
        """The name of the structure's file: the one there is, or the one to make."""
        kind = STRUCTURES.get(self.engine, STRUCTURES["annoy"])
        name = self.segments[0].file.replace("embeddings", kind.stem).replace(".h5", kind.suffix)
        return str(self.ann.get("file", name))

    @property
    def edited_fields(self) -> dict[str, Any]:
        """The file of fields that were edited, and of how many of the first rows; {} without."""
        return dict(self.settings.get(EDITED_FIELDS, {}))

    @property
    def files(self) -> set[str]:
        """The names of all files of the index but the manifest itself."""
        attached = {self.settings[part]["file"] for part in ATTACHED if part in self.settings}
        segments = {segment.file for segment in self.segments}
        edited = {self.edited_fields["file"]} if self.edited_fields else set()
        built = {self.ann_file} if self.ann and self.engine != REMOTE else set()
        return segments | attached | built | edited


KEYS = {"ann": "forest"}  # what index.json has called the ANN structure since version 1
FIELDS = {key: field for field, key in KEYS.items()}


def runs(rows: npt.NDArray[Any]) -> list[list[int]]:
    """Return rising row numbers as runs [first, end)."""
    parts = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1) if len(rows) else []
    return [[int(part[0]), int(part[-1]) + 1] for part in parts]


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of an index folder.

    Raises:
        BadInput: not there, not an index, or damaged.
        Mismatch: written by a newer version.
    """
    file = path / MANIFEST
    if not path.exists():
        raise BadInput(
            f"{path}: no such index; make one with: tv index PHOTOS -o {shlex.quote(str(path))}"
        )
    if not file.is_file():
        raise BadInput(f"{path}: not an index (a .tvx folder made by tv index)")
    try:
        content = parse_json(file.read_bytes())
        version = int(content["version"])
        if content["type"] != "index" or version < 1:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{file}: damaged; make the index again") from error
    if version > VERSION:
        raise Mismatch(f"{path}: version {version} of index, from a newer tv: upgrade tvcli")
    try:
        for step in MIGRATIONS[version - 1 :]:
            content = step(content)
        content = {FIELDS.get(key, key): value for key, value in content.items()}
        return _sound(Manifest(**content))
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(f"{file}: damaged; make the index again") from error


def _to_version_2(content: dict[str, Any]) -> dict[str, Any]:
    """One file of embeddings becomes the only segment."""
    content = dict(content)
    content["segments"] = [{"file": content.pop("embeddings"), "rows": content.pop("rows")}]
    content["auto"] = content["engine"] == "exact"
    return content | {"version": 2}


MIGRATIONS: list[Callable[[dict[str, Any]], dict[str, Any]]] = [_to_version_2]  # from 1, from 2, …


def _sound(manifest: Manifest) -> Manifest:
    """Return the manifest with its segments as such; raises ValueError and its like for lies."""
    manifest.segments = [Segment(**segment) for segment in manifest.segments]  # type: ignore[arg-type]
    numbers = [manifest.dimension, *(segment.rows for segment in manifest.segments)]
    sound = (
        (len(manifest.segments) > 0) == (manifest.engine != REMOTE)
        and all(isinstance(number, int) and number > 0 for number in numbers)
        and all(is_file_name(name) for name in manifest.files)
        and all(is_path(manifest.settings.get(name)) for name in ("root", "root_absolute"))
        and "encoder" in manifest.settings
        and manifest.engine in ("exact", REMOTE, *STRUCTURES)
        and _is_edited(manifest.edited_fields, manifest.stored)
        and (_is_table if manifest.engine == REMOTE else _is_ann)(manifest.ann)
    )
    manifest.settings = checked_settings(manifest.settings, Path(MANIFEST))
    edges = [edge for first, end in manifest.removed for edge in (first, end)]
    rising = all(a < b for a, b in zip([-1, *edges], [*edges, manifest.stored + 1], strict=True))
    if not (sound and rising and all(isinstance(edge, int) for edge in edges)):
        raise ValueError("not as declared")
    return manifest


def _is_edited(edited: dict[str, Any], stored: int) -> bool:
    """Tell whether this describes a file of edited fields, or is {}."""
    return not edited or (type(edited["rows"]) is int and 0 < edited["rows"] <= stored)


def _is_ann(ann: Any) -> bool:
    """Tell whether this describes an annoy file, or is {}."""
    counts = [ann[name] for name in ("bytes", "effort")] if ann else []
    return isinstance(ann, dict) and all(type(count) is int and count > 0 for count in counts)


def _is_table(table: Any) -> bool:
    """Tell whether this describes the table of a database."""
    texts = [table["url"], table["table"]]
    return all(isinstance(text, str) for text in texts) and type(table["rows"]) is int


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step: from here on the index is the new one."""
    content = {KEYS.get(name, name): getattr(manifest, name) for name in Manifest.__slots__}
    content["segments"] = [asdict(segment) for segment in manifest.segments]
    with atomic_write(folder / MANIFEST) as partial:
        partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
        sync(partial)
