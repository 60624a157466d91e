"""What an index keeps beside its vectors: the head that made them, and maps to re-rank by."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.graph_cache import cached_graph
from tvcli.core.backbones.specs import BackboneSpec
from tvcli.core.errors import UsageError
from tvcli.core.files.artifacts import Artifact, write_artifact
from tvcli.core.files.provenance import file_hash
from tvcli.core.heads import load_head
from tvcli.core.ranking.calibration import CALIBRATION
from tvcli.core.ranking.map_pca import MapPCA, comparable_maps, fit_map_pca, save_map_pca
from tvcli.core.ranking.rank import Ranker, load_rank

Heads = tuple[Path, Path]  # the files of a classifier and of the boxes' nets

MAPS_AT_ONCE = 256  # maps brought to unit length at a time


@dataclass(frozen=True, slots=True)
class Attachments:
    """Files to put into an index: `settings` names them, `write` puts them into its folder."""

    ranker: Ranker | None
    settings: dict[str, Any]
    write: Callable[[Path], None]
    shortlist: MapPCA | None = None


def attachments(
    rank: Path | None,
    encodings: Artifact | None,
    *,
    maps: bool,
    location: Heads | None,
    compress: bool,
    encoder: dict[str, Any],
) -> Attachments:
    """Return what an index gets of a rank head and, with `maps`, of the maps of some encodings.

    With `compress` the vectors are a projection of the maps, which is kept too.
    `location` are the classifier and the boxes' nets by which its photos were located. The graph
    of its `encoder`, where there is one in the cache, lets queries do without torch and weights.

    Raises:
        UsageError: maps are asked for where there are none.
        BadInput: the head cannot be used.
    """
    ranker = load_rank(rank) if rank else None
    settings: dict[str, Any] = {}
    if ranker and CALIBRATION in ranker.file.settings and not compress:
        settings[CALIBRATION] = ranker.file.settings[CALIBRATION]
    heads = dict(zip(("classifier", "boxes"), location or (), strict=False))
    for kind, path in heads.items():
        load_head(path, kind)
    heads |= {"rank": rank} if rank else {}
    for kind, path in heads.items():
        digest = file_hash(path)
        settings[kind] = {"file": f"{kind}-{digest[:12]}.h5", "hash": digest, "from": str(path)}
    if graph := _graph_of(encoder):
        settings["graph"] = {"file": graph.name, "hash": file_hash(graph)}
    shortlist = None
    if maps or compress:
        if encodings is None or len(encodings.row_shape) != 3:
            raise UsageError("--maps: encode first, without --pool: tv encode PHOTOS -o FILE.h5")
        if ranker and ranker.weight.shape[1] != encodings.row_shape[0]:
            raise UsageError(
                f"{rank}: learned on vectors of {ranker.pool}, which no position of a map has: for "
                f"maps use tv train-rank --pool mean"
            )
        digest = file_hash(encodings.path)[:12] + settings.get("rank", {}).get("hash", "")[:8]
        if compress:
            shortlist = fit_map_pca(encodings, ranker)
            settings["shortlist"] = {"file": f"shortlist-{digest}.h5"}
        if maps:
            settings["maps"] = {"file": f"maps-{digest}.h5"}

    def write(folder: Path) -> None:
        for kind, path in heads.items():
            shutil.copyfile(path, folder / settings[kind]["file"])
        if graph:
            shutil.copyfile(graph, folder / graph.name)
        if maps and encodings is not None:
            _write_maps(folder / settings["maps"]["file"], encodings, ranker)
        if shortlist:
            save_map_pca(folder / settings["shortlist"]["file"], shortlist)

    return Attachments(ranker, settings, write, shortlist)


def _graph_of(encoder: dict[str, Any]) -> Path | None:
    """Return the graph in the cache of an encoder that needs one: mini brings its own."""
    spec = BackboneSpec.of_settings(encoder["backbone"])
    return None if spec.name == FAMILY else cached_graph(spec, encoder["size"])


def _write_maps(path: Path, encodings: Artifact, ranker: Ranker | None) -> None:
    """Write maps ready to compare: (N, D, H, W) float16, the dot product is the similarity."""
    with write_artifact(path, "encodings", encodings.settings, {}) as writer:
        for rows in encodings.blocks(MAPS_AT_ONCE):
            columns = encodings.read_columns(rows)
            maps = columns["encodings"].astype(np.float32)  # (n, C, H, W)
            columns["encodings"] = comparable_maps(maps, ranker).astype(np.float16)
            writer.append(columns)
