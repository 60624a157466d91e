"""A camera that looks at something flat: where it appears, and what the camera does to it."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from tvcli.core.images.copies.change import Parameters, Rng
from tvcli.core.images.copies.grounds import Plane
from tvcli.core.images.copies.transforms import Transform, corners_of, moved, shift

GRAIN = 0.6  # standard deviation in pixels by which a sensor's noise is smeared: demosaicing does
LEVEL = 255


def seen_from(
    size: tuple[int, int], turn: float, pitch: float, yaw: float, distance: float
) -> Transform:
    """Return the homography of a picture into the plane of a pinhole camera, in its own units.

    The picture is turned in its plane, tilted about the two axes of the camera, and moved away by
    `distance` half diagonals.
    """
    half = math.hypot(*size) / 2
    spin, nod, sway = (math.radians(angle) for angle in (turn, pitch, yaw))
    c, s = math.cos(spin), math.sin(spin)
    about_z = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
    c, s = math.cos(nod), math.sin(nod)
    about_x = np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])
    c, s = math.cos(sway), math.sin(sway)
    about_y = np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])
    flat = np.array(
        [[1 / half, 0, -size[0] / 2 / half], [0, 1 / half, -size[1] / 2 / half], [0, 0, 1]]
    )
    towards = (about_y @ about_x @ about_z) @ np.diag([1.0, 1, 0])
    towards[:, 2] = 0, 0, distance
    result: Transform = towards @ flat
    return result


def framed_in(
    transform: Transform,
    inner: tuple[int, int],
    frame: tuple[int, int],
    fill: float,
    left: float,
    top: float,
) -> Transform:
    """Return a homography after which a picture fills a share of the frame's tighter side.

    `left`, `top` are shares of the room that is left.
    """
    corners = moved(transform, corners_of(inner))
    low, sides = corners.min(axis=0), np.ptp(corners, axis=0)
    scale = fill * min(frame[0] / sides[0], frame[1] / sides[1])
    room = np.array(frame) - scale * sides
    x, y = room * (left, top) - scale * low
    result: Transform = np.array([[scale, 0, x], [0, scale, y], [0, 0, 1.0]]) @ transform
    return result


def warped(
    picture: Image.Image, transform: Transform, frame: tuple[int, int]
) -> tuple[Plane, Plane]:
    """Return a picture under a homography, (H, W, 3), and its share of each pixel, (H, W, 1).

    It is made smaller first where that is what the homography does: else its details would flicker.
    """
    corners = moved(transform, corners_of(picture.size))
    seen = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1).max()
    scale = min(1.0, 1.5 * float(seen) / max(picture.size))
    sides = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = np.asarray(picture.resize(sides, Image.Resampling.BOX), np.float32)
    back = np.diag([picture.width / sides[0], picture.height / sides[1], 1.0])
    centred = shift(-0.5, -0.5) @ transform @ back @ shift(0.5, 0.5)  # OpenCV counts from centres
    edge = cv2.BORDER_REPLICATE
    pixels = cv2.warpPerspective(small, centred, frame, flags=cv2.INTER_LINEAR, borderMode=edge)
    cover = cv2.warpPerspective(np.ones(small.shape[:2], np.float32), centred, frame)
    return np.asarray(pixels, np.float32), np.asarray(cover, np.float32)[..., None]


def spot(frame: tuple[int, int], at: Sequence[float], radius: float, stretch: float = 1) -> Plane:
    """Return a soft spot of light (H, W, 1), 1 in its middle; lengths in shares of the sides."""
    width, height = frame
    x = (np.arange(width, dtype=np.float32) / width - at[0]) / (radius * stretch)
    y = (np.arange(height, dtype=np.float32) / height - at[1]) / radius
    plane: Plane = np.exp(-(x[None] ** 2 + y[:, None] ** 2) / 2)[..., None]
    return plane


def draw_exposure(rng: Rng) -> Parameters:
    """Return a colour cast, shares of the long side by which it blurs, and the sensor's noise."""
    return {
        "cast": [rng.between(0.8, 1.1), rng.between(0.88, 1.05), rng.between(0.72, 1.1)],
        "gamma": rng.between(0.75, 1.35),
        "motion": rng.between(0, 0.008),
        "motion_degrees": rng.between(0, 180),
        "blur": rng.between(0, 0.0015),
        "levels": rng.between(1, 9),
    }


def exposed(
    scene: Plane,
    seed: int,
    cast: Sequence[float],
    gamma: float,
    motion: float,
    motion_degrees: float,
    blur: float,
    levels: float,
) -> Image.Image:
    """Return what a camera makes of a scene (H, W, 3): moved, out of focus, tinted, noisy."""
    side = max(scene.shape[:2])
    scene = np.clip(scene, 0, LEVEL)
    if motion * side >= 1:
        scene = cv2.filter2D(scene, -1, streak(motion * side, motion_degrees))
    if blur * side >= 0.3:
        scene = cv2.GaussianBlur(scene, (0, 0), blur * side)
    scene = np.asarray(LEVEL * (np.clip(scene, 0, LEVEL) / LEVEL) ** gamma, np.float32)
    scene *= np.array(cast, np.float32)
    noise = np.random.default_rng(seed).standard_normal(scene.shape, np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), GRAIN)
    scene += grain * np.float32(levels / max(float(grain.std()), 1e-6))
    return Image.fromarray(np.clip(np.rint(scene), 0, LEVEL).astype(np.uint8))


def streak(length: float, degrees: float) -> Plane:
    """Return the kernel of a straight motion over so many pixels."""
    side = 2 * math.ceil(length / 2) + 1
    kernel = np.zeros((side, side), np.float32)
    middle = side / 2 - 0.5
    steps = np.linspace(-length / 2, length / 2, 8 * side)
    x = np.rint(middle + steps * math.cos(math.radians(degrees))).astype(int)
    y = np.rint(middle + steps * math.sin(math.radians(degrees))).astype(int)
    np.add.at(kernel, (np.clip(y, 0, side - 1), np.clip(x, 0, side - 1)), 1)
    result: Plane = kernel / kernel.sum()
    return result
