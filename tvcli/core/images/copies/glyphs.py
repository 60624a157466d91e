"""Emoji and logos, drawn here: the same on every machine, whatever fonts it has."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tvcli.core.images.copies.change import Colour

FINE = 4  # times the size at which they are drawn, to have smooth edges
YELLOW, BROWN, RED, DARK = (255, 204, 60), (90, 50, 20), (225, 40, 60), (20, 20, 20)
EMOJI = ("smile", "laugh", "love", "cool", "sad", "heart", "star")
MARKS = ("disc", "shield", "bars", "rings")

Outline = list[tuple[float, float]]


def emoji_glyph(name: str, side: int, degrees: float) -> Image.Image:
    """Return an emoji of `EMOJI`, turned anticlockwise, as a square RGBA picture."""
    fine = FINE * side
    glyph = Image.new("RGBA", (fine, fine))
    pen = ImageDraw.Draw(glyph)
    if name == "heart":
        pen.polygon(_heart(fine, 0.02, 0.02, 0.98, 0.98), RED)
    elif name == "star":
        pen.polygon(_star(fine), YELLOW)
    else:
        pen.ellipse(_box(fine, 0.02, 0.02, 0.98, 0.98), YELLOW, (200, 140, 30), max(1, fine // 60))
        _draw_eyes(pen, name, fine)
        _draw_mouth(pen, name, fine)
    return glyph.rotate(degrees).resize((side, side), Image.Resampling.LANCZOS)


def _draw_eyes(pen: ImageDraw.ImageDraw, name: str, side: int) -> None:
    for left in (0.22, 0.58):
        if name == "love":
            pen.polygon(_heart(side, left - 0.04, 0.24, left + 0.24, 0.5), RED)
        elif name == "cool":
            glass = _box(side, left - 0.06, 0.3, left + 0.26, 0.48)
            pen.rounded_rectangle(glass, side // 20, DARK)
        elif name == "laugh":
            pen.arc(_box(side, left, 0.3, left + 0.2, 0.5), 180, 360, BROWN, side // 22)
        else:
            pen.ellipse(_box(side, left + 0.04, 0.28, left + 0.16, 0.46), BROWN)


def _draw_mouth(pen: ImageDraw.ImageDraw, name: str, side: int) -> None:
    if name == "laugh":
        pen.chord(_box(side, 0.22, 0.36, 0.78, 0.86), 0, 180, BROWN)
    elif name == "sad":
        pen.arc(_box(side, 0.3, 0.6, 0.7, 0.9), 200, 340, BROWN, side // 22)
    else:
        pen.arc(_box(side, 0.24, 0.3, 0.76, 0.8), 20, 160, BROWN, side // 22)


def _box(side: int, *shares: float) -> list[float]:
    return [share * side for share in shares]


def _heart(side: int, x0: float, y0: float, x1: float, y1: float) -> Outline:
    """Return the outline of a heart in a box given in shares of a side."""
    t = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(t) ** 3
    y = 5 * np.cos(2 * t) + 2 * np.cos(3 * t) + np.cos(4 * t) - 13 * np.cos(t)
    across = x0 + (x1 - x0) * (x - x.min()) / np.ptp(x)
    down = y0 + (y1 - y0) * (y - y.min()) / np.ptp(y)
    return [(float(a) * side, float(b) * side) for a, b in zip(across, down, strict=True)]


def _star(side: int) -> Outline:
    """Return the outline of a star with five points."""
    radii = [0.5 if number % 2 == 0 else 0.21 for number in range(10)]
    angles = [math.pi * (number / 5 - 0.5) for number in range(10)]
    return [
        (side * (0.5 + radius * math.cos(angle)), side * (0.53 + radius * math.sin(angle)))
        for radius, angle in zip(radii, angles, strict=True)
    ]


def logo_badge(mark: str, letters: str, colours: list[Colour], height: int) -> Image.Image:
    """Return a mark with letters to its right as an RGBA picture of a height."""
    side = FINE * height
    font = ImageFont.load_default(round(0.6 * side))
    width = side + round(font.getlength(letters)) + side // 2
    first, second = map(tuple, colours)
    badge = Image.new("RGBA", (width, side))
    pen = ImageDraw.Draw(badge)
    pen.rounded_rectangle((0, 0, width - 1, side - 1), side // 5, second)
    _draw_mark(pen, mark, side, first)
    pen.text((side, 0.12 * side), letters, first, font)
    return badge.resize((max(1, width // FINE), height), Image.Resampling.LANCZOS)


def _draw_mark(pen: ImageDraw.ImageDraw, mark: str, side: int, colour: tuple[int, ...]) -> None:
    if mark == "disc":
        pen.ellipse(_box(side, 0.12, 0.12, 0.88, 0.88), colour)
    elif mark == "shield":
        pen.polygon(_box(side, 0.15, 0.12, 0.85, 0.12, 0.85, 0.5, 0.5, 0.92, 0.15, 0.5), colour)
    elif mark == "bars":
        for left, top in ((0.15, 0.6), (0.4, 0.4), (0.65, 0.15)):
            pen.rectangle(_box(side, left, top, left + 0.18, 0.88), colour)
    else:
        for left in (0.1, 0.35):
            pen.ellipse(_box(side, left, 0.25, left + 0.5, 0.75), None, colour, side // 14)
