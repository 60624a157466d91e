"""Short vectors of maps: a PCA of the flattened map, which keeps the order of the similarity."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import Artifact
from tvcli.core.heads import HeadFile, check_encoder, load_head, save_head
from tvcli.core.images.arrays import Array
from tvcli.core.ranking.rank import Ranker
from tvcli.core.ranking.similarity import comparable

DIMENSION = 256  # 99 % of the ten best are among the first 50 (docs/notes/ranking.md)
SAMPLE = 2000  # rows, at most
SAMPLE_BYTES = 2**29

Vectors = npt.NDArray[np.float32]


class MapPCA:
    """Projects maps ready to compare, flattened, onto `axes` (D, C*H*W) float32.

    `encoder` is the spec of the maps that it was made of; {} where a file does not say.
    """

    def __init__(self, axes: Vectors, encoder: dict[str, Any]) -> None:
        self.axes, self.encoder = axes, encoder

    def vectors(self, maps: Vectors) -> Vectors:
        """Return vectors (N, D) float32 of comparable maps (N, C, H, W).

        Raises:
            Mismatch: maps of another size than those it was made of.
        """
        flat = maps.reshape(len(maps), -1)  # (N, C*H*W)
        if flat.shape[1] != self.axes.shape[1]:
            raise Mismatch(f"maps of {tuple(maps.shape[1:])} are not of the index's size")
        result: Vectors = flat @ self.axes.T
        return result


def comparable_maps(maps: Array, ranker: Ranker | None) -> Array:
    """Return maps (N, C, H, W) after the head, (N, D, H, W): dot products are similarities."""
    mapped = ranker.maps(maps) if ranker else maps
    found: Array = comparable(mapped).reshape(mapped.shape)
    return found


def fit_map_pca(encodings: Artifact, ranker: Ranker | None, seed: int = 0) -> MapPCA:
    """Return the projection onto the directions in which the maps of a file are largest.

    Uncentred PCA of a sample, through its Gram matrix, so that dot products are kept.
    """
    limit = SAMPLE_BYTES // (4 * int(np.prod(encodings.row_shape)))
    count = max(1, min(len(encodings), SAMPLE, limit))
    rows = np.sort(np.random.default_rng(seed).choice(len(encodings), count, replace=False))
    maps = encodings.read("encodings", rows).astype(np.float32)
    flat = comparable_maps(maps, ranker).reshape(count, -1)  # (S, D*H*W)
    values, axes = np.linalg.eigh(flat @ flat.T)
    kept = values > values[-1] * 1e-6
    values, axes = values[kept][-DIMENSION:], axes[:, kept][:, -DIMENSION:]
    return MapPCA((axes / np.sqrt(values)).T @ flat, encodings.settings["encoder"])


def save_map_pca(path: Path, shortlist: MapPCA) -> None:
    """Write a projection, as float16."""
    state, settings = {"axes": shortlist.axes.astype(np.float16)}, {"encoder": shortlist.encoder}
    save_head(path, HeadFile("shortlist", state, settings), {})


def load_map_pca(path: Path, encoder: dict[str, Any]) -> MapPCA:
    """Read a projection for maps of an encoder.

    Raises:
        BadInput: not there, damaged, or something else.
        Mismatch: made of maps of another backbone, layer or weights.
    """
    file = load_head(path, "shortlist")
    axes, made_of = file.state.get("axes"), file.settings.get("encoder", {})
    if axes is None or axes.ndim != 2:
        raise BadInput(f"{path}: damaged; index again")
    if made_of:  # older files do not say
        check_encoder(file, encoder, path)
    return MapPCA(axes.astype(np.float32), made_of)
