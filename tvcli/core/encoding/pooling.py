"""From dense maps to vectors, by name; the same lines for arrays of numpy and tensors of torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import Mismatch, UsageError
from tvcli.core.images.arrays import TINY, beside, like, unit

NONE = "none"  # instead of a pooling: maps stay maps
MAP = "map"  # instead of a pooling: the comparable map itself, flattened, or a PCA of it
AUTO = "auto"  # what suits the backbone
GEM_POWER = 3.0
SMALLEST = 1e-6  # what the generalised mean takes an activation for, at least
GRID = 7  # positions per side that `spatial` keeps

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pooling:
    """A way from maps (N, C, H, W) float32 to `vectors` (N, D) float32, of numpy or of torch.

    `contributions` tells for `--explain` what each position adds to the dot product of a vector
    with a direction: it takes a map (C, H, W), its vector (D,) and the direction (D,), and gives
    (h, w), whose sum is that product. `has_grid`: a vector is not (C,) but keeps a grid of
    positions, which is then also that of its contributions; heads of channels cannot follow it.
    """

    vectors: Callable[[Any], Any]
    contributions: Callable[[Floats, Floats, Floats], Floats]
    has_grid: bool = False


def pool_maps(maps: Any, name: str) -> Any:
    """Pool maps (N, C, H, W) float32 into vectors (N, D) float32; `none` leaves them.

    Raises:
        Mismatch: there is no such pooling.
    """
    return maps if name == NONE else pooling_of(name).vectors(maps)


def pooling_of(name: str) -> Pooling:
    """Return a pooling by the name that an artifact records.

    Raises:
        Mismatch: there is no such pooling.
    """
    if name not in POOLINGS:
        raise Mismatch(
            f"pooled by {name!r}, which this tv does not know ({', '.join(POOLINGS)}): upgrade "
            "tvcli, or encode again"
        )
    return POOLINGS[name]


def checked_pooling(name: str, *others: str, heads: bool = False) -> str:
    """Return the name of a pooling, or one of some `others`, after seeing that there is one.

    With `heads` it must be one that heads of channels can follow.

    Raises:
        UsageError: there is none.
    """
    known = pooling_names(heads=heads)
    if name not in (*others, *known):
        raise UsageError(f"--pool {name}: one of {', '.join((*others, *known))}")
    return name


def pooling_names(*, heads: bool = False) -> list[str]:
    """Return the names of all poolings, or of those that heads of channels can follow."""
    return [name for name, pooling in POOLINGS.items() if not (heads and pooling.has_grid)]


def mean(maps: Any) -> Any:
    """Average over positions."""
    return maps.mean(axis=(2, 3))


def mean_contributions(encoding: Floats, pooled: Floats, direction: Floats) -> Floats:
    """Return each position's own dot product with the direction, over their number."""
    found: Floats = np.einsum("chw,c->hw", encoding, direction) / encoding[0].size
    return found


def gem(maps: Any) -> Any:
    """Return the generalised mean, power 3, of the positive part (Radenovic et al. 2018, eq. 3)."""
    positive = maps.clip(min=SMALLEST)
    return (positive * positive * positive).mean(axis=(2, 3)) ** (1 / GEM_POWER)


def gem_contributions(encoding: Floats, pooled: Floats, direction: Floats) -> Floats:
    """Return each position's share x^3 / sum(x^3) of every channel of the vector.

    The generalised mean is not a sum; this is its gradient at the map itself. That is exact, since
    it is homogeneous of degree 1 (Euler's theorem), but what a position would have added to another
    map it does not tell.
    """
    powers = encoding.clip(min=SMALLEST) ** GEM_POWER  # (C, H, W)
    share = direction * pooled / powers.sum(axis=(1, 2))
    found: Floats = np.einsum("chw,c->hw", powers, share)
    return found


def side_by_side(first: Pooling, second: Pooling) -> Pooling:
    """Return two poolings beside each other: the vectors of each are of unit length, (N, D + E)."""

    def vectors(maps: Any) -> Any:
        return beside(unit(first.vectors(maps)), unit(second.vectors(maps)))

    def contributions(encoding: Floats, pooled: Floats, direction: Floats) -> Floats:
        """Return what both contribute, each by its own length."""
        total, start = np.zeros(encoding.shape[1:], np.float32), 0
        for pooling in (first, second):
            own = pooling.vectors(encoding[None])[0]  # (D,)
            part = direction[start : start + len(own)] / max(float(np.linalg.norm(own)), TINY)
            total += pooling.contributions(encoding, own, part)
            start += len(own)
        return total

    return Pooling(vectors, contributions)


def crelu(maps: Any) -> Any:
    """Return the means of the positive and of the negative part side by side, (N, 2C).

    Concatenated rectified linear units: Shang et al. 2016. In the mean alone, what speaks for a
    channel at one position and against it at another adds up to nothing.
    """
    return beside(mean(maps.clip(min=0)), mean((-maps).clip(min=0)))


def crelu_contributions(encoding: Floats, pooled: Floats, direction: Floats) -> Floats:
    """Return each position's dot products of both parts with the direction, over their number."""
    for_it, against = np.split(direction, 2)
    parts = ((encoding, for_it), (-encoding, against))
    found: Floats = np.sum(
        [mean_contributions(part.clip(min=0), pooled, own) for part, own in parts], axis=0
    )
    return found


def spatial(maps: Any) -> Any:
    """Average onto a 7 x 7 grid and bring each position to unit length.

    The dot product of two vectors is then the mean cosine over positions.
    """
    down, across = (like(_averages(side), maps) for side in maps.shape[2:])  # (7, H), (7, W)
    grid = down @ maps @ across.swapaxes(0, 1)  # (N, C, 7, 7)
    return unit(grid).reshape(len(maps), -1) / GRID


def spatial_contributions(encoding: Floats, pooled: Floats, direction: Floats) -> Floats:
    """Return the sums over channels: the positions of the grid lie side by side."""
    found: Floats = (pooled * direction).reshape(-1, GRID, GRID).sum(axis=0)
    return found


def _averages(side: int) -> Floats:
    """Return the matrix (7, side) whose rows average the positions that lie in each place.

    Those that lie in it partly count too.
    """
    places = np.arange(GRID)
    first, last = places * side // GRID, -(-(places + 1) * side // GRID)
    inside = (np.arange(side) >= first[:, None]) & (np.arange(side) < last[:, None])
    matrix: Floats = (inside / inside.sum(1, keepdims=True)).astype(np.float32)
    return matrix


MEAN, GEM = Pooling(mean, mean_contributions), Pooling(gem, gem_contributions)
CRELU = Pooling(crelu, crelu_contributions)
POOLINGS: dict[str, Pooling] = {
    "mean": MEAN,
    "gem": GEM,
    "spatial": Pooling(spatial, spatial_contributions, has_grid=True),
    "mean+gem": side_by_side(MEAN, GEM),
    "crelu": CRELU,
    "crelu+gem": side_by_side(CRELU, GEM),
}
