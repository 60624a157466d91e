"""Rank heads in closed form: whitening within what is similar, and what tells it from the rest."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import UsageError

StartName = Literal["identity", "wccn", "discriminant", "blend"]
STARTS: tuple[str, ...] = get_args(StartName)
WHITENED = 0.75  # how far a blend whitens: the exponent of the covariance within, in halves
SHARES = {  # of whitening, and of the discriminant in a blend; the first where nothing is measured
    "wccn": (WHITENED, 0.25, 0.5),
    "blend": (0.5, 0.7, 1.0, 1.4, 2.0),
}
SMALLEST = 1e-9  # of the largest eigenvalue: what counts as none

Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Taught:
    """Vectors (N, C) float32 of unit length, and what is said of them.

    `labels` (N,) are numbers, -1 where not known; `triplets` (T, 3) are rows: anchors, positives
    and negatives.
    """

    vectors: Vectors
    labels: Rows
    triplets: Rows


@dataclass(frozen=True, slots=True)
class Scatter:
    """The mean (C,), and the covariances (C, C) within and between what is similar."""

    mean: Floats
    within: Floats
    between: Floats


def scatter(taught: Taught) -> Scatter:
    """Return how vectors scatter within classes and between them.

    Of rows of known labels the classes are what their labels say; of the others the differences of
    anchors and positives are pairs of one class, of anchors and negatives of two, where no labels
    tell how classes lie. The covariance within is shrunk (`shrunk`), that between is rid of what
    it owes to means of few rows.
    """
    vectors = taught.vectors.astype(np.float64)
    residuals, means, counts = _classes(vectors, taught.labels)
    anchors, positives, negatives = (vectors[rows] for rows in taught.triplets.T)
    known = taught.labels[taught.triplets]
    alike = (known[:, 0] >= 0) & (known[:, 0] == known[:, 1])
    inside = np.concatenate([residuals, (anchors - positives)[~alike] / 2**0.5])
    distinct = len(np.unique(taught.triplets[~alike, :2]))
    seen = inside.T @ inside / max(1, len(inside))  # not shrunk: this is what is in the others
    within = shrunk(inside, min(len(inside), len(residuals) + distinct))
    if len(means) > 1:
        mean = counts @ means / counts.sum()
        apart = (means - mean) * np.sqrt(counts / counts.sum())[:, None]
        between = apart.T @ apart - (len(means) - 1) / counts.sum() * seen
    else:
        mean = vectors[np.unique(taught.triplets)].mean(axis=0)
        apart = (anchors - negatives) / 2**0.5
        between = apart.T @ apart / max(1, len(apart)) - seen
    return Scatter(mean, within, between)


def _classes(vectors: Floats, labels: Rows) -> tuple[Floats, Floats, Floats]:
    """Return the residuals in classes of two and more, and the means and counts of all classes."""
    known = np.flatnonzero(labels >= 0)
    numbers = np.unique(labels[known], return_inverse=True)[1]
    counts = np.bincount(numbers).astype(np.float64)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, numbers, vectors[known])
    means /= counts[:, None]
    several = counts[numbers] > 1
    own = counts[numbers[several]]
    residuals = (vectors[known] - means[numbers])[several] * np.sqrt(own / (own - 1))[:, None]
    return residuals, means, counts


def shrunk(rows: Floats, independent: int) -> Floats:
    """Return the covariance (C, C) of rows (n, C) of mean 0, shrunk towards a multiple of identity.

    Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices":
    the share of the identity is that which least squares ask for. Without rows it is zero. As many
    of the rows are `independent`: pairs of the same few photos say no more the more there are.
    """
    count, size = rows.shape
    if not count:
        return np.zeros((size, size))
    covariance: Floats = rows.T @ rows / count  # (C, C)
    level, norm = float(np.trace(covariance)) / size, float((covariance**2).sum())
    spread = norm - size * level**2
    noise = (float(((rows**2).sum(axis=1) ** 2).mean()) - norm) / independent
    share = 1.0 if spread <= 0 else float(np.clip(noise / spread, 0, 1))
    found: Floats = (1 - share) * covariance + share * level * np.eye(size)
    return found


class ClosedForm:
    """The heads that a scatter makes: all leave out the direction of the mean, but the identity.

    - `wccn`: the covariance within to the power of -1/2 times a share (Hatch et al. 2006,
      "Within-class covariance normalization for SVM-based speaker recognition", has all of it);
    - `discriminant`: whitened, then the directions between classes, each by how sure it is
      (Fisher 1936; Rao 1948);
    - `blend`: the discriminant, times a share, beside `wccn` of 3/4, so that a similarity is the
      mean of theirs, weighted.
    """

    def __init__(self, scatter: Scatter) -> None:
        self._scatter = scatter
        values, self._axes = np.linalg.eigh(scatter.within)
        self._values = values.clip(min=max(values[-1] * SMALLEST, np.finfo(np.float64).tiny))
        mean = scatter.mean / max(float(np.linalg.norm(scatter.mean)), SMALLEST)
        self._centring = np.eye(len(mean)) - np.outer(mean, mean)
        self._both = scatter.within + _positive(scatter.between)
        self._discriminant = self._unit(self._between())
        self._whitening = self.weight("wccn", WHITENED)

    def weight(self, start: str, share: float = 1.0) -> Floats:
        """Return the matrix (D, C) of a head by its name; for `share` see `SHARES`."""
        if start == "identity":
            return np.eye(len(self._axes))
        if start == "wccn":
            return self._unit(self._power(-share / 2) @ self._centring)
        if start == "discriminant":
            return self._discriminant
        return np.concatenate([share * self._discriminant, self._whitening])

    def reduced(self, weight: Floats, dim: int) -> Floats:
        """Return a head of `dim` rows at most that keeps dot products as far as it can."""
        values, axes = np.linalg.eigh(weight.T @ weight)
        root = (axes * np.sqrt(values.clip(min=0))) @ axes.T  # the same dot products
        mean = self._scatter.mean
        spread = root @ (self._both + np.outer(mean, mean)) @ root
        kept = np.linalg.eigh(spread)[1][:, ::-1][:, :dim]
        return _signed(kept.T @ root)

    def _power(self, exponent: float) -> Floats:
        found: Floats = (self._axes * self._values**exponent) @ self._axes.T
        return found

    def _between(self) -> Floats:
        whitening = self._power(-0.5)
        values, axes = np.linalg.eigh(whitening @ self._scatter.between @ whitening)
        kept = values > max(values[-1], 0) * 1e-6
        sure = np.sqrt(values[kept] / (1 + values[kept]))
        found: Floats = (axes[:, kept] * sure).T @ whitening @ self._centring
        return found

    def _unit(self, weight: Floats) -> Floats:
        """Scale a head so that vectors have length 1 in the mean of squares, about the mean."""
        energy = float(((weight @ self._both) * weight).sum())
        found: Floats = weight / max(energy, float(np.finfo(np.float64).tiny)) ** 0.5
        return found


def _positive(matrix: Floats) -> Floats:
    """Return the nearest matrix without negative eigenvalues."""
    values, axes = np.linalg.eigh(matrix)
    found: Floats = (axes * values.clip(min=0)) @ axes.T
    return found


def start_head(taught: Taught, name: str, share: float, dim: int | None, most: int) -> Vectors:
    """Return the head (D, C) float32 of a start; D is at most `dim`, or without one `most`.

    It is scaled as the identity is: the sum of its squares is the number of its columns.

    Raises:
        UsageError: more dimensions are asked for than vectors or channels there are.
    """
    channels = taught.vectors.shape[1]
    if dim is not None and dim > min(taught.vectors.shape):
        raise UsageError(f"--dim {dim}: at most {min(taught.vectors.shape)} for these encodings")
    wanted = dim or min(channels, most)
    if name == STARTS[0]:
        whole = wanted == channels and dim is None
        weight = np.eye(channels) if whole else principal_axes(taught.vectors, wanted)
    else:
        form = ClosedForm(scatter(taught))
        weight = form.weight(name, share)
        weight = form.reduced(weight, wanted) if len(weight) > wanted else weight
    scaled: Vectors = (weight * (channels**0.5 / np.linalg.norm(weight))).astype(np.float32)
    return scaled


def principal_axes(vectors: Vectors, dim: int) -> Floats:
    """Return the `dim` directions (dim, C) in which vectors (N, C) are largest: uncentred PCA.

    Uncentred, so that cosines stay what they were as far as `dim` allows.
    """
    axes = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)[2][:dim]
    return _signed(axes)


def _signed(axes: Floats) -> Floats:
    """Make the largest value of each row positive: a sign of LAPACK's own choice would vary."""
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    found: Floats = axes * np.where(largest < 0, -1.0, 1.0)[:, None]
    return found
