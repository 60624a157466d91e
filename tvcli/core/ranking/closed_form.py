"""Rank heads in closed form: whitening within what is similar, and what tells it from the rest."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import UsageError
from tvcli.core.images.arrays import TINY

StartName = Literal["identity", "wccn", "discriminant", "blend"]
STARTS: tuple[str, ...] = get_args(StartName)
WHITENED = 0.75  # how far a blend whitens: the exponent of the covariance within, in halves
SHARES = {  # of whitening, and of the discriminant in a blend; the first where nothing is measured
    "wccn": (WHITENED, 0.25, 0.5),
    "blend": (0.5, 0.7, 1.0, 1.4, 2.0),
}
SMALLEST = 1e-6  # of the largest eigenvalue: what counts as none, in float32

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Taught:
    """Vectors (N, C) float32 of unit length, and what is said of them.

    `labels` (N,) are numbers, -1 where not known; `triplets` (T, 3) are rows: anchors, positives
    and negatives. With a `basis` (D, C), columns of which are orthonormal, the vectors are of D
    values, and given by their coordinates in it.
    """

    vectors: Vectors
    labels: Rows
    triplets: Rows
    basis: Vectors | None = None

    @property
    def channels(self) -> int:
        """Return how many values the vectors have."""
        return self.vectors.shape[1] if self.basis is None else len(self.basis)

    def spanned(self) -> "Taught":
        """Return the same by coordinates in what the vectors span, if it is not the whole space.

        All dot products stay; what is decomposed gets as small as the vectors are few.
        """
        if len(self.vectors) >= self.vectors.shape[1]:
            return self
        basis, triangle = np.linalg.qr(self.vectors.T)  # (C, N), (N, N)
        return replace(self, vectors=np.ascontiguousarray(triangle.T), basis=basis)


@dataclass(frozen=True, slots=True)
class Scatter:
    """The mean (C,), and the covariances (C, C) within and between what is similar.

    With a `basis` (D, C) they are of coordinates in it; `rest` is the variance within along each
    direction that it lacks.
    """

    mean: Vectors
    within: Vectors
    between: Vectors
    basis: Vectors | None = None
    rest: float = 0.0


def scatter(taught: Taught) -> Scatter:
    """Return how vectors scatter within classes and between them.

    Of rows of known labels the classes are what their labels say; of the others the differences of
    anchors and positives are pairs of one class, of anchors and negatives of two, where no labels
    tell how classes lie. The covariance within is shrunk (`shrunk`), that between is rid of what
    it owes to means of few rows.
    """
    vectors = taught.vectors
    residuals, means, counts = _classes(vectors, taught.labels)
    known = taught.labels[taught.triplets]
    untold = taught.triplets[(known[:, 0] < 0) | (known[:, 0] != known[:, 1])]
    pairs = (vectors[untold[:, 0]] - vectors[untold[:, 1]]) / np.float32(2**0.5)
    inside = np.concatenate([residuals, pairs]) if len(pairs) else residuals
    seen = covariance(inside)  # not shrunk: this is what is in the others
    distinct = len(np.unique(untold[:, :2]))
    independent = min(len(inside), len(residuals) + distinct)
    within, rest = shrunk(inside, seen, independent, taught.channels)
    if len(means) > 1:
        shares = (counts / counts.sum()).astype(np.float32)
        mean = shares @ means
        apart = (means - mean) * np.sqrt(shares)[:, None]
        between = apart.T @ apart - np.float32((len(means) - 1) / counts.sum()) * seen
    else:
        mean = vectors[np.unique(taught.triplets)].mean(axis=0)
        anchors, _, negatives = (vectors[rows] for rows in taught.triplets.T)
        between = covariance((anchors - negatives) / np.float32(2**0.5)) - seen
    return Scatter(mean, within, between, taught.basis, rest)


def _classes(vectors: Vectors, labels: Rows) -> tuple[Vectors, Vectors, Rows]:
    """Return the residuals in classes of two and more, and the means and counts of all classes."""
    known = np.flatnonzero(labels >= 0)
    known = known[np.argsort(labels[known], kind="stable")]  # class by class
    _, starts, counts = np.unique(labels[known], return_index=True, return_counts=True)
    residuals = vectors[known]
    sums = np.add.reduceat(residuals, starts, axis=0) if len(known) else residuals
    means = (sums / counts[:, None]).astype(np.float32)
    others = np.maximum(counts - 1, 1)
    grown = np.sqrt(counts / others).astype(np.float32)  # a mean is near its own rows
    for start, count, mean, scale in zip(starts, counts, means, grown, strict=True):
        own = residuals[start : start + count]  # class by class they stay in the cache
        own -= mean
        own *= scale
    several = counts > 1
    return residuals if several.all() else residuals[np.repeat(several, counts)], means, counts


def covariance(rows: Vectors) -> Vectors:
    """Return the covariance (C, C) of rows (n, C) of mean 0; zero without any."""
    found: Vectors = rows.T @ rows / np.float32(max(1, len(rows)))
    return found


def shrunk(rows: Vectors, seen: Vectors, independent: int, size: int) -> tuple[Vectors, float]:
    """Return a covariance shrunk towards a multiple of the identity: `seen` (C, C), of rows (n, C).

    Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices":
    the share of the identity is that which least squares ask for. Without rows it is zero. As many
    of the rows are `independent`: pairs of the same few photos say no more the more there are. The
    rows may be coordinates in a part of a space of `size` dimensions; beside the covariance is what
    the identity adds to each.
    """
    if not len(rows):
        return seen, 0.0
    level, norm = float(np.trace(seen)) / size, float(np.vdot(seen, seen))
    spread = norm - size * level**2
    lengths = np.einsum("nc,nc->n", rows, rows)
    noise = (float(np.mean(lengths**2)) - norm) / independent
    share = 1.0 if spread <= 0 else float(np.clip(noise / spread, 0, 1))
    found: Vectors = seen * np.float32(1 - share)
    np.fill_diagonal(found, found.diagonal() + share * level)
    return found, share * level


class ClosedForm:
    """The heads that a scatter makes: all leave out the direction of the mean, but the identity.

    - `wccn`: the covariance within to the power of -1/2 times a share (Hatch et al. 2006,
      "Within-class covariance normalization for SVM-based speaker recognition", has all of it);
    - `discriminant`: whitened, then the directions between classes, each by how sure it is
      (Fisher 1936; Rao 1948);
    - `blend`: the discriminant, times a share, beside `wccn` of 3/4, so that a similarity is the
      mean of theirs, weighted.

    Vectors have length 1 in the mean of squares, about the mean, by the discriminant and by `wccn`.
    """

    def __init__(self, scatter: Scatter) -> None:
        self._scatter = scatter
        values, self._axes = np.linalg.eigh(scatter.within)
        least = max(float(values[-1]) * SMALLEST, float(np.finfo(np.float32).tiny))
        self._values, self._rest = values.clip(min=least), max(scatter.rest, least)
        mean = scatter.mean / max(float(np.linalg.norm(scatter.mean)), TINY)
        self._along = mean @ self._axes  # of the mean, along the axes, as all that follows
        self._turning = self._axes - np.outer(mean, self._along)
        between = self._axes.T @ scatter.between @ self._axes
        deviations = np.sqrt(self._values)
        told, turns = np.linalg.eigh(between / np.outer(deviations, deviations))
        kept = told > max(float(told[-1]), 0) * 1e-5
        told, turns = told[kept], turns[:, kept]
        # What is between, without negative eigenvalues once it is whitened: this times itself.
        self._spread = deviations[:, None] * turns * np.sqrt(told)
        directions = turns / deviations[:, None] * np.sqrt(told / (1 + told))
        self._directions = directions * self._unit(directions)  # (C, D)
        self._scales = cache(self._scales_by)

    @property
    def directions(self) -> int:
        """How many directions the discriminant keeps."""
        return len(self._directions.T)

    def turned(self, vectors: Vectors) -> Vectors:
        """Return vectors (N, C) without the direction of the mean, along the axes: (N, C)."""
        found: Vectors = vectors @ self._turning
        return found

    def mapped(self, turned: Vectors, start: str, share: float = 1.0) -> Vectors:
        """Map what is `turned` (N, C) by `wccn` or the `discriminant`: (N, D)."""
        found: Vectors = (
            turned * self._scales(share)[0] if start == "wccn" else turned @ self._directions
        )
        return found

    def weight(self, start: str, share: float = 1.0) -> Vectors:
        """Return the matrix (D, C) of a head by its name; for `share` see `SHARES`."""
        basis = self._scatter.basis
        if start == "identity":
            return np.eye(len(self._axes if basis is None else basis), dtype=np.float32)
        if start == "blend":
            parts = (np.float32(share) * self.weight("discriminant"), self.weight("wccn", WHITENED))
            return np.concatenate(parts)
        core = self.mapped(self._turning, start, share)  # (C, D)
        if start == "wccn":
            core = core @ self._axes.T  # so that each channel stays what it was, as far as it can
        if basis is None:
            return core.T
        whole: Vectors = core.T @ basis.T
        if start == "wccn":
            others = np.eye(len(basis), dtype=np.float32) - basis @ basis.T
            whole = (basis @ whole + self._scales(share)[1] * others).astype(np.float32)
        return whole

    def reduced(self, weight: Vectors, dim: int) -> Vectors:
        """Return a head of `dim` rows at most that keeps dot products as far as it can."""
        triangle = np.asarray(np.linalg.qr(weight, mode="r"))  # the same dot products
        if len(triangle) <= dim:
            return _signed(triangle)
        basis = self._scatter.basis
        along = self._axes if basis is None else basis @ self._axes
        roots = (along * self._values**0.5, along @ self._spread)
        mean = self._scatter.mean if basis is None else basis @ self._scatter.mean
        rows = triangle @ np.concatenate([*roots, mean[:, None]], axis=1)
        spread = rows @ rows.T  # (C, C)
        if basis is not None:
            others = triangle - (triangle @ basis) @ basis.T
            spread += np.float32(self._rest) * (others @ others.T)
        kept = np.linalg.eigh(spread)[1][:, ::-1][:, :dim]
        return _signed(kept.T @ triangle)

    def _scales_by(self, share: float) -> tuple[Vectors, np.float32]:
        """Return how `wccn` scales each axis (C,), and the directions that a basis lacks."""
        power, basis = -share / 2, self._scatter.basis
        scales: Vectors = self._values ** np.float32(power)
        lacking = 0 if basis is None else basis.shape[0] - basis.shape[1]
        unit = self._unit(np.diag(scales), lacking * self._rest ** (1 + 2 * power))
        return scales * unit, np.float32(self._rest**power) * unit

    def _unit(self, head: Vectors, others: float = 0) -> np.float32:
        """Return what to scale a head (C, D) along the axes by, for lengths of 1.

        `others` is the mean square of what it makes of the directions that a basis lacks.
        """
        centred = head - np.outer(self._along, self._along @ head)
        within = float(np.einsum("cd,cd,c->", centred, centred, self._values))
        between = float(np.square(self._spread.T @ centred).sum())
        return np.float32(max(within + between + others, TINY) ** -0.5)


def closed_form(taught: Taught) -> ClosedForm:
    """Return the heads that what is taught makes."""
    return ClosedForm(scatter(taught.spanned()))


def check_dim(taught: Taught, dim: int | None) -> None:
    """Raise UsageError where more dimensions are asked for than vectors or channels there are."""
    if dim is not None and dim > min(taught.vectors.shape):
        raise UsageError(f"--dim {dim}: at most {min(taught.vectors.shape)} for these encodings")


def start_head(
    taught: Taught,
    name: str,
    share: float,
    dim: int | None,
    most: int,
    form: ClosedForm | None = None,
) -> Vectors:
    """Return the head (D, C) float32 of a start; D is at most `dim`, or without one `most`.

    It is scaled as the identity is: the sum of its squares is the number of its columns. `form` is
    what `closed_form` makes of what is taught, where that is known.

    Raises:
        UsageError: as `check_dim` does.
    """
    channels = taught.vectors.shape[1]
    check_dim(taught, dim)
    if name != STARTS[0]:
        return formed_head(form or closed_form(taught), name, share, dim or most)
    wanted = dim or min(channels, most)
    whole = wanted == channels and dim is None
    return _scaled(np.eye(channels) if whole else principal_axes(taught.vectors, wanted))


def formed_head(form: ClosedForm, name: str, share: float, dim: int) -> Vectors:
    """Return the head (D, C) float32 of a start other than the identity; D is at most `dim`."""
    weight = form.weight(name, share)
    dim = min(dim, weight.shape[1])
    return _scaled(form.reduced(weight, dim) if len(weight) > dim else weight)


def _scaled(weight: npt.NDArray[np.floating[Any]]) -> Vectors:
    """Scale a head (D, C) so that the sum of its squares is the number of its columns."""
    found: Vectors = (weight * (weight.shape[1] ** 0.5 / np.linalg.norm(weight))).astype(np.float32)
    return found


def principal_axes(vectors: Vectors, dim: int) -> Vectors:
    """Return the `dim` directions (dim, C) in which vectors (N, C) are largest: uncentred PCA.

    Uncentred, so that cosines stay what they were as far as `dim` allows.
    """
    axes = np.linalg.svd(vectors, full_matrices=False)[2][:dim]
    return _signed(axes)


def _signed(axes: Vectors) -> Vectors:
    """Make the largest value of each row positive: a sign of LAPACK's own choice would vary."""
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    found: Vectors = axes * np.where(largest < 0, -1, 1).astype(np.float32)[:, None]
    return found
