"""Principal components: the two directions in which vectors differ most."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Blocks = Callable[[], Iterable[Vectors]]  # all rows, (n, D) at a time, as often as it is called

SIDE = 2048  # of the largest matrix that is decomposed: seconds
AXES = 2


def principal_components(blocks: Blocks, count: int) -> tuple[Vectors, tuple[float, float]]:
    """Return where vectors lie on their first two principal axes, and the variance of each axis.

    Points are (count, 2) float32, centred; variances are shares of the variance of all values, 0
    to 1. Vectors of more than 2,048 values have their axes fitted to 2,048 rows, evenly spaced;
    the shares are always those of all rows. Signs are chosen so that each axis' largest value is
    positive: equal vectors give equal points.
    """
    sums = [
        (block.sum(0, np.float64), float(np.square(block).sum(dtype=np.float64)))
        for block in blocks()
    ]
    mean = sum(total for total, _ in sums) / count  # (D,)
    spread = sum(squares for _, squares in sums) / count - float(mean @ mean)
    axes = _axes(blocks, count, mean.astype(np.float32))  # (2, D)
    points = np.concatenate([(block - mean.astype(np.float32)) @ axes.T for block in blocks()])
    shares = points.astype(np.float64).var(0) / spread if spread > 1e-9 else np.zeros(AXES)
    return points, (float(shares[0]), float(shares[1]))


def _axes(blocks: Blocks, count: int, mean: Vectors) -> Vectors:
    """Return two unit axes (2, D) float32; zeros where rows differ in fewer directions."""
    dimension = len(mean)
    if dimension <= SIDE:
        scatter = np.zeros((dimension, dimension))
        for block in blocks():
            centred = block - mean
            scatter += centred.T @ centred
        axes = np.linalg.eigh(scatter)[1][:, ::-1].T[:AXES]
    else:
        sample = _evenly(blocks(), count) - mean  # (S, D)
        values, left = np.linalg.eigh((sample @ sample.T).astype(np.float64))
        values, left = values[::-1][:AXES], left[:, ::-1][:, :AXES]
        axes = (left.T @ sample) / np.sqrt(np.maximum(values, 1e-12))[:, None]
    found = np.zeros((AXES, dimension), np.float32)
    found[: len(axes)] = axes
    largest = np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1)
    return np.where(largest < 0, -found, found)


def _evenly(blocks: Iterable[Vectors], count: int) -> Vectors:
    """Return at most `SIDE` of all rows, evenly spaced."""
    wanted = np.unique(np.linspace(0, count - 1, min(count, SIDE)).astype(np.intp))
    found, start = [], 0
    for block in blocks:
        here = wanted[(wanted >= start) & (wanted < start + len(block))]
        found.append(block[here - start])
        start += len(block)
    return np.concatenate(found)
