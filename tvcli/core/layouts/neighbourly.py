"""UMAP (McInnes et al., 2018), from the extra `umap`: neighbours stay beside each other."""

import warnings
from importlib.util import find_spec

import numpy as np

from tvcli.core.errors import UsageError
from tvcli.core.layouts.principal import Vectors

NEIGHBOURS = 15  # umap-learn's own default
LEAST = 5  # rows: fewer have no neighbourhoods
WIDTH = 10.0  # of the points that it starts from, as umap-learn scales its own


def has_umap() -> bool:
    """Tell whether umap-learn is installed; loads nothing."""
    return find_spec("umap") is not None


def umap_points(vectors: Vectors, start: Vectors) -> Vectors:
    """Return points (N, 2) float32 that keep the neighbours of vectors (N, D), by their cosine.

    It begins at `start` (N, 2), the principal components, without which the arrangement of groups
    is by chance (Kobak and Linderman, 2021), and takes the same steps each time.

    Raises:
        UsageError: umap-learn is not installed, or there are fewer than five rows.
    """
    if not has_umap():
        raise UsageError("UMAP is not installed: pip install 'tvcli[umap]'")
    if len(vectors) < LEAST:
        raise UsageError(f"UMAP needs {LEAST} photos or more")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that one thread is used for the same result each time
        from umap import UMAP

        fitted = UMAP(
            n_neighbors=min(NEIGHBOURS, len(vectors) - 1),
            metric="cosine",
            init=start / max(float(np.abs(start).max()), 1e-9) * WIDTH,
            random_state=0,
        )
        points: Vectors = fitted.fit_transform(vectors)
    return points.astype(np.float32)
