"""The shapes that bodies and garments are made of, each with coordinates of its own surface."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from tvcli.demo.drawing.geometry import Array, curve


class Surface(NamedTuple):
    """Where pixels lie on a part: across it (-1..1), and along weft and warp in figure units."""

    across: Array
    weft: Array
    warp: Array


@dataclass(frozen=True)
class Drape:
    """How a part falls: folds across it, 0..1 deep, growing from warp start over reach.

    phase moves the folds sideways and crease is the depth of small creases.
    """

    folds: float = 3.0
    depth: float = 0.0
    start: float = 0.3
    reach: float = 0.3
    phase: float = 0.0
    crease: float = 0.05


class Part(Protocol):
    """One piece: its closed outline in figure units, its folds, its surface."""

    @property
    def outline(self) -> Array:
        """The closed outline, (N, 2)."""

    @property
    def drape(self) -> Drape:
        """The folds."""

    def surface(self, x: Array, y: Array) -> Surface:
        """The part's coordinates at figure points x, y."""


@dataclass(frozen=True)
class Panel:
    """A piece about the figure's middle, such as a bodice or a skirt.

    profile is (M, 2): rows of (y, half width), top to bottom. Weft threads spread where the panel
    widens, so that a pattern follows its shape.
    """

    outline: Array
    profile: Array
    drape: Drape = Drape()

    def surface(self, x: Array, y: Array) -> Surface:
        """The panel's coordinates at figure points x, y."""
        half = np.interp(y, self.profile[:, 0], self.profile[:, 1]).astype(x.dtype)
        spread = (half / 0.09) ** 0.4
        sag = 0.12 * np.maximum(half - 0.09, 0) * (x / half) ** 2
        return Surface(np.clip(x / half, -1, 1), x / spread, y + sag)


@dataclass(frozen=True)
class Tube:
    """A piece about a bent line, such as an arm, a sleeve or a trouser leg.

    spine is (N, 2) figure points and radii (N,) the half width at each.
    """

    spine: Array
    radii: Array
    drape: Drape = Drape()
    round_end: bool = False

    @cached_property
    def outline(self) -> Array:
        """The closed outline, (N, 2)."""
        offset = self._normals * self.radii[:, None]
        start = self._cap(0, -1.0)
        end = self._cap(-1, 1.0) if self.round_end else np.zeros((0, 2))
        return np.vstack([self.spine + offset, end, (self.spine - offset)[::-1], start])

    def surface(self, x: Array, y: Array) -> Surface:
        """The tube's coordinates at figure points x, y, from its spine's nearest point."""
        spine, normals = self.spine.astype(x.dtype), self._normals.astype(x.dtype)
        places = np.stack([x, y])
        # Squared distances to the spine, less the part that is the same for all of it.
        distance = np.einsum("kn,sk->ns", places, -2 * spine) + (spine**2).sum(axis=1)
        nearest = distance.argmin(axis=1)
        gap_x, gap_y = places - spine.T[:, nearest]
        normal_x, normal_y = normals.T[:, nearest]
        side = gap_x * normal_x + gap_y * normal_y
        start = (self._lengths + self.spine[0, 1]).astype(x.dtype)
        along = start[nearest] + gap_y * normal_x - gap_x * normal_y
        across = np.clip(side / self.radii.astype(x.dtype)[nearest], -1, 1)
        return Surface(across, side, along)

    @property
    def length(self) -> float:
        """The spine's length, in figure units."""
        return float(self._lengths[-1])

    def ring(self, share: float) -> Array:
        """The line across the tube after that share of its length, as (2, 2) figure points."""
        at = round(share * (len(self.spine) - 1))
        offset = self._normals[at] * self.radii[at]
        return np.stack([self.spine[at] + offset, self.spine[at] - offset])

    @cached_property
    def _normals(self) -> Array:
        tangent = np.gradient(self.spine, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        return np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)

    @cached_property
    def _lengths(self) -> Array:
        steps = np.linalg.norm(np.diff(self.spine, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    def _cap(self, end: int, way: float) -> Array:
        normal, radius = self._normals[end], self.radii[end]
        tangent = np.array([-normal[1], normal[0]]) * way
        angle = np.linspace(0, np.pi, 9)[1:-1, None]
        arc = np.cos(angle) * normal * way + np.sin(angle) * tangent
        return np.asarray(self.spine[end] + radius * arc)


def limb(
    joints: Array,
    radii: tuple[float, ...],
    drape: Drape = Drape(),
    *,
    share: float = 1.0,
    round_end: bool = False,
) -> Tube:
    """A tube along smooth joints (N, 2), ended after that share of its line.

    The radii are spread evenly from its start to its end.
    """
    spine = curve(joints, 16)
    spine = spine[: max(3, round(len(spine) * share))]
    at = np.linspace(0, 1, len(radii))
    radius = curve(np.stack([at, np.array(radii)], axis=1), 6)
    return Tube(
        spine,
        np.interp(np.linspace(0, 1, len(spine)), radius[:, 0], radius[:, 1]),
        drape,
        round_end,
    )
