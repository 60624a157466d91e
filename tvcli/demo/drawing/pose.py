"""Where the figure stands in the photo, and how it holds its arms and legs."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing.geometry import Array, points

UPPER_ARM, FOREARM = 0.165, 0.145


@dataclass(frozen=True)
class Pose:
    """The map from figure units to pixels: mirror, lean, turn, scale, then move.

    foot_x, foot_y is the pixel of the point between the feet (0, 1); scale is pixels for the
    figure's height; turn is in radians; lean moves the crown sideways by that share of the height.
    """

    scale: float
    foot_x: float
    foot_y: float
    turn: float = 0.0
    lean: float = 0.0
    mirror: bool = False

    def to_pixels(self, outline: Array) -> Array:
        """Figure points (N, 2) as pixels (N, 2)."""
        side = -1.0 if self.mirror else 1.0
        up = outline[:, 1] - 1
        x = side * outline[:, 0] + self.lean * up**2
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        turned = np.stack([cos * x - sin * up, sin * x + cos * up], axis=1)
        return np.asarray(turned * self.scale + (self.foot_x, self.foot_y))

    def to_figure(self, column: Array, row: Array) -> tuple[Array, Array]:
        """Pixels as figure points: what to_pixels undoes, as (x, y) of the pixels' shape."""
        side = -1.0 if self.mirror else 1.0
        across, down = (column - self.foot_x) / self.scale, (row - self.foot_y) / self.scale
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        up = cos * down - sin * across
        x = cos * across + sin * down - self.lean * up**2
        return side * x, up + 1

    def at(self, scale: float, foot_x: float, foot_y: float) -> "Pose":
        """The same pose at another size and place."""
        return replace(self, scale=scale, foot_x=foot_x, foot_y=foot_y)


@dataclass(frozen=True)
class Stance:
    """The joints of both sides, the right of the picture first.

    Each arm is shoulder, elbow, wrist and each leg is hip, knee, ankle, as (3, 2) figure points.
    """

    arms: tuple[Array, Array]
    legs: tuple[Array, Array]


def stand(rng: Generator, *, limp: bool = False, feet_apart: bool = True) -> Stance:
    """A stance: arms down, held out a little, or one hand on the hip; feet near or apart.

    A limp one has both arms hanging, as sleeves without arms do. Under a narrow skirt the feet
    are not apart.
    """
    raised = [rng.uniform(0.1, 0.32) for _ in range(2)]
    bent = [rng.uniform(-0.25, 0.1) for _ in range(2)]
    if limp:
        raised, bent = [0.13 + 0.3 * (r - 0.1) for r in raised], [-0.06, -0.06]
    elif rng.random() < 0.35:
        hand = int(rng.integers(2))
        raised[hand], bent[hand] = rng.uniform(0.68, 0.85), rng.uniform(-1.6, -1.45)
    spread = rng.uniform(0.0, 0.018, size=2) * (1.0 if feet_apart else 0.2)
    arms = (_arm(1, raised[0], bent[0]), _arm(-1, raised[1], bent[1]))
    return Stance(arms, (_leg(1, spread[0]), _leg(-1, spread[1])))


def _arm(side: int, raised: float, bent: float) -> Array:
    shoulder = np.array([side * 0.093, 0.198])
    elbow = shoulder + UPPER_ARM * np.array([side * np.sin(raised), np.cos(raised)])
    low = raised + bent
    wrist = elbow + FOREARM * np.array([side * np.sin(low), np.cos(low)])
    return np.stack([shoulder, elbow, wrist])


def _leg(side: int, spread: float) -> Array:
    return points(
        (side * 0.046, 0.49), (side * (0.046 + spread), 0.725), (side * (0.043 + 2 * spread), 0.945)
    )
