"""Indexes: a `.tvx` folder of embeddings, their search structure, and how queries are encoded.

`index.json` names the files that belong together and is replaced last, in one step, so whoever
opens an index sees the state before a change or the one after it.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.core import engines
from tvcli.core.artifacts import Artifact, Columns, open_artifact, write_artifact
from tvcli.core.engines import Annoy, Engine, Exact, Found, Rows, Vectors
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.indexes.manifest import MANIFEST, Manifest, read_manifest, write_manifest
from tvcli.core.provenance import file_hash

EngineName = Literal["auto", "exact", "annoy"]

IN_MEMORY = 2**30  # bytes of float32 vectors that an index keeps once it has read them


class Index:
    """An open index; use it in a `with`."""

    def __init__(self, path: Path, manifest: Manifest, rows: Artifact) -> None:
        self.path, self.manifest, self._artifact = path, manifest, rows
        self.settings = manifest.settings

    def __len__(self) -> int:
        return self.manifest.rows

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        if len(self) * self.manifest.dimension * 4 <= IN_MEMORY:
            return self._matrix[rows]
        return _unit(self._artifact.read("embeddings", rows))

    @cached_property
    def _matrix(self) -> Vectors:
        return _unit(self._artifact.read("embeddings"))

    @cached_property
    def engine(self) -> Engine:
        """The search structure; an annoy file that does not fit is made again."""
        if self.manifest.engine == "exact":
            return Exact(self)
        forest = self._open_forest()
        if forest is None:
            self._remake_forest()
            forest = self._open_forest()
        return Annoy(self, forest, self.manifest.forest["effort"]) if forest else Exact(self)

    def search(self, queries: Vectors, k: int) -> Found:
        """Return similarities (Q, k) and rows (Q, k) of the closest to queries (Q, D) float32."""
        if queries.shape[1] != self.manifest.dimension:
            raise Mismatch(
                f"{self.path}: holds vectors of {self.manifest.dimension} values, "
                f"the query has {queries.shape[1]}"
            )
        return self.engine.search(_unit(queries), min(k, len(self)))

    def columns(self, rows: Rows) -> Columns:
        """Return what is known of some rows: image, region, box, label and so on, by name."""
        names = [name for name in self._artifact.kind.datasets if name != "embeddings"]
        return {name: self._artifact.read(name, rows) for name in names}

    @property
    def rows_file(self) -> Path:
        """The file of its embeddings, an artifact by itself."""
        return self.path / self.manifest.embeddings

    @property
    def rank_file(self) -> Path | None:
        """The head that its vectors were mapped by, kept in the index; None without one.

        Raises:
            Mismatch: the file there is another head than its vectors were mapped by.
        """
        rank = self.settings.get("rank")
        if rank is None:
            return None
        file: Path = self.path / rank["file"]
        if not file.is_file() or file_hash(file) != rank["hash"]:
            raise Mismatch(
                f"{file}: not the head that {self.path} was made with; make it again: "
                f"tv index ENCODINGS.h5 --rank {rank['from']} -o {self.path}"
            )
        return file

    @property
    def location_files(self) -> tuple[Path, Path] | None:
        """The classifier and the boxes' nets that its photos were located by; None without."""
        if "classifier" not in self.settings or "boxes" not in self.settings:
            return None
        first, second = (
            self.path / self.settings[kind]["file"] for kind in ("classifier", "boxes")
        )
        return first, second

    @contextmanager
    def maps(self) -> Iterator[Artifact]:
        """Open the maps kept for re-ranking: row by row (D, H, W) float16, ready to compare.

        Raises:
            UsageError: the index keeps none.
        """
        if "maps" not in self.settings:
            raise UsageError(
                f"{self.path}: keeps no maps to re-rank by; make it again: "
                f"tv index ENCODINGS.h5 --maps -o {self.path}"
            )
        with open_artifact(self.path / self.settings["maps"]["file"], "encodings") as maps:
            if len(maps) != len(self):
                raise BadInput(f"{self.path}: its maps are not of its rows; index again")
            yield maps

    @cached_property
    def images(self) -> list[str]:
        """The image of every row, relative to the root."""
        images: list[str] = self._artifact.read("image")
        return images

    @property
    def labels(self) -> list[str]:
        """The label of every row, empty where not known."""
        labels: list[str] = self._artifact.read("label")
        return labels

    def find(self, image: str) -> Rows:
        """Return the rows of an image, named as in the index or by a path that leads to it."""
        absolute = os.path.abspath(image)  # noqa: PTH100 - links stay as they are
        names = {image, os.path.relpath(absolute, self.root), absolute}
        return np.array([row for row, name in enumerate(self.images) if name in names], np.intp)

    @cached_property
    def root(self) -> Path:
        """The folder that images are relative to, wherever it lies now."""
        moved = Path(os.path.abspath(self.path / self.settings["root"]))  # noqa: PTH100
        outright = Path(self.settings["root_absolute"])
        first = self.images[0] if len(self) else ""
        return next((r for r in (moved, outright) if (r / first).exists()), moved)

    @property
    def _forest_file(self) -> Path:
        return self.path / self.manifest.forest_file

    def _open_forest(self) -> Any | None:
        known = self.manifest.forest
        if not known:
            return None
        return engines.open_forest(
            self._forest_file, self.manifest.dimension, len(self), known["bytes"]
        )

    def _remake_forest(self) -> None:
        """Build the annoy file again; where the folder cannot be written, go without."""
        try:
            self.manifest.forest = _plant(self, self._forest_file, self.manifest)
            write_manifest(self.path, self.manifest)
        except OSError:
            self.manifest.forest = {}


@contextmanager
def open_index(path: Path) -> Iterator[Index]:
    """Open an index after checking what it declares.

    Raises:
        BadInput: not there, not an index, or damaged.
        Mismatch: written by a newer version.
    """
    manifest = read_manifest(path)
    with open_artifact(path / manifest.embeddings, "embeddings") as rows:
        if len(rows) != manifest.rows or rows.row_shape != (manifest.dimension,):
            raise BadInput(f"{path}: its embeddings are not those it declares; index again")
        yield Index(path, manifest, rows)


def build_index(
    target: Path,
    blocks: Iterator[Columns],
    settings: dict[str, Any],
    provenance: dict[str, Any],
    *,
    engine: EngineName = "auto",
    seed: int = 0,
    attach: Callable[[Path], None] = lambda folder: None,
) -> Manifest:
    """Write an index of blocks of rows whose `embeddings` are (n, D); an old one is replaced.

    `attach` writes the other files that `settings` names into the folder.

    Raises:
        BadInput: no rows, a vector that is not finite, or the target cannot be written.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise BadInput(f"{target}: is there, but is no index; name another with -o")
    old = _files_of(target)
    folder = target if old else target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        attach(folder)
        manifest = _fill(folder, _next_name(old), blocks, settings, provenance, engine, seed)
        if folder != target:
            folder.rename(target)
    except OSError as error:
        raise BadInput(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        if folder != target:
            shutil.rmtree(folder, ignore_errors=True)
    for name in old - manifest.files:
        (target / name).unlink(missing_ok=True)
    return manifest


def _fill(
    folder: Path,
    name: str,
    blocks: Iterator[Columns],
    settings: dict[str, Any],
    provenance: dict[str, Any],
    engine: EngineName,
    seed: int,
) -> Manifest:
    with write_artifact(folder / name, "embeddings", settings, provenance) as writer:
        for block in blocks:
            writer.append({**block, "embeddings": _checked(block["embeddings"], block["image"])})
    if writer.rows == 0:
        raise BadInput(f"{folder}: nothing to index")
    with open_artifact(folder / name, "embeddings") as rows:
        manifest = Manifest(name, len(rows), rows.row_shape[0], engine, settings, provenance)
        if engine == "auto":
            manifest.engine = "exact" if len(rows) <= engines.EXACT_UNTIL else "annoy"
        index = Index(folder, manifest, rows)
        if manifest.engine == "annoy":
            manifest.provenance = {**provenance, "seed": seed}
            manifest.forest = _plant(index, index._forest_file, manifest)
    write_manifest(folder, manifest)
    return manifest


def _plant(index: Index, path: Path, manifest: Manifest) -> dict[str, Any]:
    """Build the annoy file and find the effort it needs."""
    seed = manifest.provenance.get("seed") or 0
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        engines.build_forest(index, partial, manifest.dimension, seed)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    size = path.stat().st_size
    forest = engines.open_forest(path, manifest.dimension, len(index), size)
    effort, recall = engines.choose_effort(index, forest, seed)
    return {"bytes": size, "trees": engines.TREES, "effort": effort, "recall@10": round(recall, 4)}


def _files_of(target: Path) -> set[str]:
    if not (target / MANIFEST).is_file():
        return set()
    return {path.name for path in target.iterdir() if path.name != MANIFEST}


def _next_name(old: set[str]) -> str:
    numbers = [int(n[11:-3]) for n in old if n.startswith("embeddings-") and n[11:-3].isdigit()]
    return f"embeddings-{max(numbers, default=0) + 1}.h5"


def _checked(vectors: npt.NDArray[Any], images: list[str]) -> Vectors:
    """Return vectors of unit length; raises BadInput for one that is zero or not finite."""
    unit = _unit(vectors)
    bad = np.flatnonzero(~np.isfinite(unit).all(axis=1) | ~unit.any(axis=1))
    if len(bad):
        raise BadInput(f"{images[bad[0]]}: its vector is zero or not finite; encode it again")
    return unit


def _unit(vectors: npt.NDArray[Any]) -> Vectors:
    """Return vectors as float32 of unit length; a zero vector stays zero."""
    values = vectors.astype(np.float32)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    result: Vectors = values / np.maximum(norms, np.finfo(np.float32).tiny)
    return result
