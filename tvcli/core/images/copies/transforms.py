"""Maps of the plane: where pixels go. A picture's corners are 0, 0 and its width, height."""

import math

import numpy as np
import numpy.typing as npt

Transform = npt.NDArray[np.float64]
Corners = npt.NDArray[np.float64]  # (4, 2) x, y: top left, top right, bottom right, bottom left

IDENTITY: Transform = np.eye(3)


def scaling(across: float, down: float) -> Transform:
    """Return the map that makes things larger by two factors."""
    return np.diag([across, down, 1.0])


def shift(x: float, y: float) -> Transform:
    """Return the map that moves things to the right and down."""
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def turn(degrees: float) -> Transform:
    """Return the map that turns things anticlockwise, as they are seen, around 0, 0."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])


def corners_of(size: tuple[int, int]) -> Corners:
    """Return the corners of a picture of a width and a height."""
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def moved(transform: Transform, points: Corners) -> Corners:
    """Return where points (n, 2) go."""
    found = np.column_stack([points, np.ones(len(points))]) @ transform.T
    result: Corners = found[:, :2] / found[:, 2:]
    return result
