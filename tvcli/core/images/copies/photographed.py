"""Photos of a picture: of a print on a table, and of a screen that shows it."""

import cv2
import numpy as np
from PIL import Image, ImageOps

from tvcli.core.images.copies.camera import (
    draw_exposure,
    exposed,
    framed_in,
    seen_from,
    spot,
    warped,
)
from tvcli.core.images.copies.change import Change, Colour, Copy, Parameters, Rng
from tvcli.core.images.copies.grounds import GROUNDS, Plane, drawn_ground
from tvcli.core.images.copies.transforms import Transform, shift

SHAPES = (4 / 3, 3 / 4, 16 / 9, 1.0)  # widths by heights of what cameras take
WHITE, BLACK = [245, 243, 238], [12, 12, 14]
FLAT = 0.25  # share of the tilts that are next to none: people try to hold a camera straight


def draw_view(rng: Rng, turn: float, tilt: float) -> Parameters:
    """Return how a camera looks at something flat: its pose, its place, the photo's size.

    The pose in degrees, and in half diagonals away.
    """
    tilt = 6 if rng.uniform() < FLAT else tilt
    return {
        "turn": rng.between(-turn, turn),
        "pitch": rng.between(-tilt, tilt),
        "yaw": rng.between(-tilt, tilt),
        "distance": rng.between(2.5, 8),
        "fill": rng.between(0.55, 1),
        "left": rng.between(0, 1),
        "top": rng.between(0, 1),
        "pixels": int(rng.integers(480, 2001)),
        "shape": round(SHAPES[int(rng.integers(len(SHAPES)))], 4),
    }


def view_of(
    size: tuple[int, int],
    turn: float,
    pitch: float,
    yaw: float,
    distance: float,
    fill: float,
    left: float,
    top: float,
    pixels: int,
    shape: float,
) -> tuple[Transform, tuple[int, int]]:
    """Return the homography of something flat into a photo, and the photo's width and height."""
    frame = round(pixels * min(1, shape)), round(pixels / max(1, shape))
    seen = seen_from(size, turn, pitch, yaw, distance)
    return framed_in(seen, size, frame, fill, left, top), frame


def table_colour(rng: Rng) -> Colour:
    """Return a colour of tables and cloths: of any brightness, seldom vivid."""
    grey, warm = rng.uniform(30, 225), rng.normal(0, 0.2)
    other = rng.normal(0, 0.06)
    factors = (1 + warm, 1 + other, 1 - warm)
    return [int(min(max(grey * factor, 0), 255)) for factor in factors]


def draw_print(rng: Rng) -> Parameters:
    """Return a print on a table, turned by any angle, under a lamp, before a hand-held camera."""
    glossy = rng.uniform() < 0.6
    return {
        "view": draw_view(rng, 180, 38),
        "ground": rng.one_of((*GROUNDS, "photo")),
        "ground_colour": table_colour(rng),
        "margin": rng.between(0.01, 0.06) if rng.integers(2) else 0.0,
        "margin_colour": WHITE if rng.integers(3) else BLACK,
        "lamp": [rng.between(-0.2, 1.2), rng.between(-0.2, 1.2)],
        "falloff": rng.between(0, 1.2),
        "shadow": rng.between(0.01, 0.04),
        "glare": rng.between(0.15, 0.9) if glossy else 0.0,
        "glare_at": [rng.between(0.1, 0.9), rng.between(0.1, 0.9)],
        "glare_size": rng.between(0.03, 0.14),
        "glare_stretch": rng.between(1, 4),
        "reflection": rng.between(0.05, 0.4) if glossy else 0.0,
        "exposure": draw_exposure(rng),
        "seed": rng.seed(),
    }


def print_photographed(
    image: Image.Image,
    other: Image.Image | None,
    view: Parameters,
    ground: str,
    ground_colour: Colour,
    margin: float,
    margin_colour: Colour,
    lamp: list[float],
    falloff: float,
    shadow: float,
    glare: float,
    glare_at: list[float],
    glare_size: float,
    glare_stretch: float,
    reflection: float,
    exposure: Parameters,
    seed: int,
) -> Copy:
    """Return a photo of a print; what is around it, and mirrored in it, is the other picture."""
    border = round(margin * max(image.size))
    paper = ImageOps.expand(image, border, tuple(margin_colour))
    transform, frame = view_of(paper.size, **view)
    scene = _ground(ground, ground_colour, frame, seed, other)
    pixels, cover = warped(paper, transform, frame)
    scene *= 1 - 0.6 * _shadow(cover, lamp, shadow)
    pixels += 255 * reflection * cover * reflected(frame, seed, other)
    scene += cover * (pixels - scene)
    scene *= 0.45 + 0.75 / (1 + falloff * -2 * np.log(spot(frame, lamp, 0.5) + 1e-9))
    scene += 255 * glare * cover * spot(frame, glare_at, glare_size, glare_stretch)
    return Copy(exposed(scene, seed, **exposure), transform @ shift(border, border))


def _ground(
    kind: str, colour: Colour, frame: tuple[int, int], seed: int, other: Image.Image | None
) -> Plane:
    """Return what is around a picture, (H, W, 3), soft: `photo` is the other one, if any."""
    if kind == "photo" and other is not None:
        plane = np.asarray(ImageOps.fit(other, frame), np.float32)
    else:
        plane = drawn_ground(kind, colour, frame, seed)
    soft: Plane = cv2.GaussianBlur(plane, (0, 0), max(0.5, max(frame) / 1200))
    return soft


def _shadow(cover: Plane, lamp: list[float], length: float) -> Plane:
    """Return the soft shadow (H, W, 1) of what covers a table, away from the lamp."""
    height, width = cover.shape[:2]
    away = np.array([0.5 - lamp[0], 0.5 - lamp[1]])
    x, y = length * max(width, height) * away / max(float(np.linalg.norm(away)), 0.1)
    moved = cv2.warpAffine(cover, np.array([[1.0, 0, x], [0, 1, y]]), (width, height))
    softness = max(1.0, 0.5 * length * max(width, height))
    soft: Plane = cv2.GaussianBlur(moved, (0, 0), softness)[..., None]
    return soft


def reflected(frame: tuple[int, int], seed: int, other: Image.Image | None) -> Plane:
    """Return the light of a room in something glossy: (H, W, 1), 0 to 1.

    What is bright in the other picture is seen, out of focus; without another it is drawn.
    """
    if other is not None:
        seen = np.asarray(ImageOps.mirror(ImageOps.fit(other, frame)).convert("L"), np.float32)
    else:
        seen = drawn_ground("stone", [128, 128, 128], frame, seed + 1)[..., 0]
    soft = cv2.GaussianBlur(seen, (0, 0), max(1.0, max(frame) / 60))
    low, high = np.quantile(soft, (0.5, 0.98))
    light: Plane = np.clip((soft - low) / max(float(high - low), 1e-3), 0, 1)[..., None]
    return light


def draw_screen(rng: Rng) -> Parameters:
    """Return a screen before a camera: how its pixels meet the camera's, light, reflections."""
    return {
        "view": draw_view(rng, 8, 30) | {"fill": rng.between(0.6, 1.1)},
        "bezel": rng.between(0.01, 0.06),
        "backdrop": rng.colour() if rng.integers(2) else BLACK,
        "letterbox": rng.between(0, 0.3) if rng.integers(2) else 0.0,
        "grid": rng.between(0.85, 1.2),
        "moire": rng.between(0.04, 0.22),
        "bands": rng.between(0, 0.12),
        "glare": rng.between(0, 0.5),
        "glare_at": [rng.between(0, 1), rng.between(0, 1)],
        "glare_size": rng.between(0.05, 0.2),
        "reflection": rng.between(0, 0.2),
        "exposure": draw_exposure(rng),
        "seed": rng.seed(),
    }


def screen_photographed(
    image: Image.Image,
    other: Image.Image | None,
    view: Parameters,
    bezel: float,
    backdrop: Colour,
    letterbox: float,
    grid: float,
    moire: float,
    bands: float,
    glare: float,
    glare_at: list[float],
    glare_size: float,
    reflection: float,
    exposure: Parameters,
    seed: int,
) -> Copy:
    """Return a photo of a screen that shows the picture, on a dark room or the other picture.

    `letterbox` is the width of the empty sides of the screen, in widths of the picture; `grid` how
    many pixels of the screen fall on one of the camera's.
    """
    side, edge = round(letterbox * image.width / 2), round(bezel * max(image.size))
    lit = ImageOps.expand(image, (side, 0), tuple(backdrop))
    device = ImageOps.expand(lit, edge, tuple(BLACK))
    transform, frame = view_of(device.size, **view)
    scene = 0.35 * _ground("photo", [60, 60, 66], frame, seed, other)
    pixels, cover = warped(device, transform, frame)
    pixels *= 1 + moire * moire_pattern(transform, frame, device.width, grid)
    rows = np.arange(frame[1], dtype=np.float32)[:, None, None]
    pixels *= 1 + bands * np.sin(2 * np.pi * 3 * rows / frame[1] + seed % 7)
    scene += cover * (pixels - scene)
    scene += 255 * reflection * cover * reflected(frame, seed, other)
    scene += 255 * glare * cover * spot(frame, glare_at, glare_size)
    return Copy(exposed(scene, seed, **exposure), transform @ shift(edge + side, edge))


def moire_pattern(transform: Transform, frame: tuple[int, int], width: int, grid: float) -> Plane:
    """Return a screen's red, green and blue dots as a camera sees them: (H, W, 3), -1 to 1.

    The dots are taken at the middle of each pixel of the camera, as a sensor without a filter does:
    that is what turns two fine grids into coarse stripes.
    """
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) + 0.5 for side in frame))
    back = np.linalg.inv(transform).astype(np.float32)
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    u = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth
    v = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth
    middle = frame[1] // 2, frame[0] // 2
    step = abs(
        float(u[middle] - u[middle[0], middle[1] - 1])
    )  # of the picture, for a camera's pixel
    dots = 2 * np.pi * grid / max(step, 1e-6)
    columns = [np.cos(dots * u + 2 * np.pi * channel / 3) for channel in range(3)]
    pattern: Plane = (0.7 * np.stack(columns, axis=-1) + 0.3 * np.cos(dots * v)[..., None]).astype(
        np.float32
    )
    return pattern


PRINT = Change(draw_print, print_photographed, uses_other=True)
SCREEN = Change(draw_screen, screen_photographed, uses_other=True)
