"""The manifest of an index: `index.json`, which names the files that belong together."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tvcli.core.artifacts import sync
from tvcli.core.errors import BadInput, Mismatch

VERSION = 1
MANIFEST = "index.json"
ATTACHED = ("rank", "maps", "shortlist", "classifier", "boxes")  # settings that name files kept


@dataclass(slots=True)
class Manifest:
    """What `index.json` holds: which files belong together, and what is known of them.

    `forest` describes the annoy file: its bytes, effort and the recall@10 measured; {} if none.
    """

    embeddings: str
    rows: int
    dimension: int
    engine: str
    settings: dict[str, Any]
    provenance: dict[str, Any]
    forest: dict[str, Any] = field(default_factory=dict)
    type: str = "index"
    version: int = VERSION

    @property
    def forest_file(self) -> str:
        """The name of the annoy file that belongs to the embeddings."""
        return self.embeddings.replace("embeddings", "forest").replace(".h5", ".annoy")

    @property
    def files(self) -> set[str]:
        """The names of all files of the index but the manifest itself."""
        attached = {self.settings[part]["file"] for part in ATTACHED if part in self.settings}
        return {self.embeddings} | attached | ({self.forest_file} if self.forest else set())


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of an index folder.

    Raises:
        BadInput: not there, not an index, or damaged.
        Mismatch: written by a newer version.
    """
    file = path / MANIFEST
    if not path.exists():
        raise BadInput(f"{path}: no such index; make one with: tv index PHOTOS -o {path}")
    if not file.is_file():
        raise BadInput(f"{path}: not an index (a .tvx folder made by tv index)")
    try:
        content = json.loads(file.read_bytes())
        version = int(content["version"])
        if content["type"] != "index" or version < 1:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{file}: damaged; make the index again") from error
    if version > VERSION:
        raise Mismatch(f"{path}: version {version} of index, from a newer tv: upgrade tvcli")
    return _manifest_from(content, file)


def _manifest_from(content: dict[str, Any], file: Path) -> Manifest:
    try:
        manifest = Manifest(**content)
        sound = (
            all(Path(name).name == name for name in manifest.files)
            and isinstance(manifest.rows, int)
            and isinstance(manifest.dimension, int)
            and {"root", "root_absolute", "encoder"} <= set(manifest.settings)
            and manifest.engine in ("exact", "annoy")
        )
    except (TypeError, KeyError):
        sound = False
    if not sound:
        raise BadInput(f"{file}: damaged; make the index again")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step: from here on the index is the new one."""
    partial = folder / f".{MANIFEST}.{os.getpid()}.partial"
    content = {name: getattr(manifest, name) for name in Manifest.__slots__}
    partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
    sync(partial)
    partial.replace(folder / MANIFEST)
