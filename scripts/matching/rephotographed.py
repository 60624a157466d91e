"""Simulated photos of prints: a picture lying on something, photographed by a cheap camera.

The surface and what lies on the light are real photos; the rest is drawn: any turn, keystone, a
lamp, glare, a colour cast, a flat tone curve, blur of defocus and of motion, noise, JPEG.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

SIDES = 480, 2000  # pixels of the long side of a photo
ASPECT = 4 / 3
FILLS = 0.5, 1.1  # of the short side: how long the print's long side is
TILT = 0.22  # of the print's sides: how far keystone may move a corner
SHIFT = 0.12  # of the photo's sides: how far the print's middle may lie from the photo's
CUT = 0.25  # how many prints reach over the edge of the photo

Colours = npt.NDArray[np.float32]  # (h, w, 3), 0 to 255
Corners = npt.NDArray[np.float32]  # (4, 2)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What prints lie on, and what falls on them: real photos, RGB."""

    surfaces: Sequence[Image.Image]
    lights: Sequence[Image.Image]


def rephotographed(
    prints: Sequence[Image.Image], around: Surroundings, rng: np.random.Generator
) -> Image.Image:
    """Return a photo of prints, the first on top and most of it seen; the others lie below it."""
    side = int(np.exp(rng.uniform(*np.log(SIDES))))
    size = (side, round(side / ASPECT)) if rng.random() < 0.5 else (round(side / ASPECT), side)
    canvas = _surface(around.surfaces[int(rng.integers(len(around.surfaces)))], size, rng)
    for order, picture in enumerate(reversed(prints)):
        below = order < len(prints) - 1
        canvas = _laid(canvas, picture, _corners(picture, size, rng, below=below), rng)
    canvas = _lit(canvas, around.lights[int(rng.integers(len(around.lights)))], rng)
    return _taken(canvas, rng)


def _surface(photo: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> Colours:
    turned = photo.convert("RGB").rotate(90 * int(rng.integers(4)), expand=True)
    scale = max(size[0] / turned.width, size[1] / turned.height) * rng.uniform(1, 1.6)
    large = turned.resize((int(turned.width * scale) + 1, int(turned.height * scale) + 1))
    x = int(rng.integers(large.width - size[0] + 1))
    y = int(rng.integers(large.height - size[1] + 1))
    return np.asarray(large.crop((x, y, x + size[0], y + size[1])), np.float32)


def _corners(
    picture: Image.Image, size: tuple[int, int], rng: np.random.Generator, *, below: bool
) -> Corners:
    """Return where the corners of a print come to lie, at any turn and seen from some side."""
    long = rng.uniform(*FILLS) * min(size) * (1.1 if rng.random() < CUT else 1)
    scale = long / max(picture.size)
    half = np.array(picture.size) * scale / 2
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    slant = rng.uniform(-1, 1, 2) * TILT / max(half)  # per pixel: the photo's own keystone
    squeeze = np.diag([1, rng.uniform(0.72, 1)]) if rng.random() < 0.6 else np.eye(2)
    placed = square @ turn @ squeeze
    placed = placed / (1 + placed @ slant)[:, None]
    away = 0.5 if below else SHIFT
    middle = (0.5 + rng.uniform(-away, away, 2)) * size
    return np.asarray(placed + middle, np.float32)


def _laid(
    canvas: Colours, picture: Image.Image, corners: Corners, rng: np.random.Generator
) -> Colours:
    """Return a surface with a print on it, and the print's shadow around it."""
    width, height = picture.size
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    shrunk = float(sides.max()) / max(picture.size)
    pixels = np.asarray(picture.convert("RGB"), np.float32)
    if shrunk < 0.7:  # as a lens would: without aliases
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.4 / shrunk)
    map_ = cv2.getPerspectiveTransform(source, corners)
    size = canvas.shape[1], canvas.shape[0]
    over: Any = cv2.warpPerspective(pixels, map_, size, flags=cv2.INTER_LINEAR)
    mask: Any = cv2.warpPerspective(np.ones((height, width), np.float32), map_, size)
    reach = max(1.0, 0.012 * max(size))
    right, down = rng.uniform(-reach, reach), rng.uniform(0, reach)
    moved = np.array([[1, 0, right], [0, 1, down]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(mask, moved, size), (0, 0), reach)
    dimmed = canvas * (1 - rng.uniform(0.2, 0.6) * shadow)[..., None]
    contrast, lift = rng.uniform(0.6, 1), rng.uniform(0, 40)  # of ink on paper, behind plastic
    printed = over * contrast + lift
    return np.asarray(dimmed * (1 - mask[..., None]) + printed * mask[..., None], np.float32)


def _lit(canvas: Colours, texture: Image.Image, rng: np.random.Generator) -> Colours:
    """Return a scene under a lamp, with what it throws on it, reflections and glare."""
    height, width = canvas.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x / max(width, height), y / max(width, height)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (x - x.mean()) * np.cos(angle) + (y - y.mean()) * np.sin(angle)
    light = np.clip(1 + rng.uniform(0, 1.1) * ramp, 0.25, 1.9)
    cast: Any = cv2.resize(np.asarray(texture.convert("L"), np.float32) / 255, (width, height))
    cast = cv2.GaussianBlur(cast, (0, 0), max(1.0, rng.uniform(0.004, 0.05) * width))
    light = light * (1 + rng.uniform(0, 0.5) * (cast - cast.mean()))
    lit = canvas * light[..., None]
    for _ in range(rng.integers(0, 4)):  # glare: lamps and windows mirrored in plastic
        spot = np.hypot(
            (x - rng.uniform(0, x.max())) / rng.uniform(0.02, 0.16),
            (y - rng.uniform(0, y.max())) / rng.uniform(0.02, 0.16),
        )
        glare = rng.uniform(40, 260) * np.exp(-(spot ** rng.uniform(1.5, 5)))
        lit = lit + glare[..., None]
    if rng.random() < 0.4:  # the room itself, mirrored
        veil = cv2.GaussianBlur(
            np.asarray(texture.resize((width, height)).convert("RGB")), (0, 0), 0.01 * width
        )
        lit = lit + rng.uniform(0.05, 0.3) * veil.astype(np.float32)
    return np.asarray(lit, np.float32)


def _taken(scene: Colours, rng: np.random.Generator) -> Image.Image:
    """Return the photo that a cheap camera takes of a scene."""
    height, width = scene.shape[:2]
    gains = np.exp(rng.normal(0, 0.13, 3)) * np.exp(rng.normal(-0.05, 0.22))
    exposed = scene * gains.astype(np.float32)
    toned = 255 * (np.clip(exposed, 0, 255) / 255) ** rng.uniform(0.7, 1.35)
    soft = rng.uniform(0.0006, 0.0022) * max(width, height)
    toned = cv2.GaussianBlur(toned.astype(np.float32), (0, 0), max(soft, 0.3))
    if rng.random() < 0.5:
        toned = cv2.filter2D(toned, -1, _shaken(rng.uniform(0.002, 0.009) * width, rng))
    if rng.random() < 0.5:  # grain before the camera makes it smooth
        grain = rng.normal(0, rng.uniform(4, 22), (height, width, 3)).astype(np.float32)
        toned = cv2.GaussianBlur(toned + grain, (0, 0), rng.uniform(0.3, 0.8))
    else:
        toned = toned + rng.normal(0, rng.uniform(1, 8), (height, width, 1)).astype(np.float32)
    file = BytesIO()
    photo = Image.fromarray(np.clip(toned, 0, 255).astype(np.uint8))
    photo.save(file, "JPEG", quality=int(rng.integers(45, 93)))
    return Image.open(file).convert("RGB")


def _shaken(length: float, rng: np.random.Generator) -> Colours:
    """Return the path that a point takes while the shutter is open: (n, n), its sum 1."""
    side = 2 * int(np.ceil(length / 2)) + 1
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((side, side), np.float32)
    for step in np.linspace(-length / 2, length / 2, 4 * side):
        x, y = side // 2 + step * np.cos(angle), side // 2 + step * np.sin(angle)
        kernel[min(max(round(y), 0), side - 1), min(max(round(x), 0), side - 1)] += 1
    even: npt.NDArray[np.float32] = kernel / kernel.sum()
    return even
