"""Things that stand in a studio: a plant, a shelf, a picture, a lamp, a stool."""

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing.backdrop import View
from tvcli.demo.drawing.colour import CLOTH, WOOD, pick, rgb
from tvcli.demo.drawing.geometry import (
    Array,
    curve,
    ellipse,
    mirrored,
    points,
    rectangle,
)
from tvcli.demo.drawing.room import Room

LEAVES = [rgb(code) for code in ("3f6b45", "5b8a55", "2f5540", "7c9a5b")]
POTS = [rgb(code) for code in ("b9674a", "e7e2da", "4b4f55", "cfa98a")]
STEEL = [rgb(code) for code in ("2c2c2e", "b08d57", "d8d8d8")]
GLOW, INK, PAPER = rgb("fff1cf"), rgb("2c2c2e"), rgb("f2efe9")


def furnish(rng: Generator, pixels: Array, view: View) -> Array:
    """Put none to two things into the room (h, w, 3), each at its own side; as (h, w, 3)."""
    room = Room(pixels, view)
    sides = [-1, 1] if rng.random() < 0.5 else [1, -1]
    for side in sides[: int(rng.choice([0, 1, 1, 2]))]:
        THINGS[int(rng.integers(len(THINGS)))](rng, room, side)
    if rng.random() < 0.25:
        room.throw_window_light(rng)
    return room.pixels


def _plant(rng: Generator, room: Room, side: int) -> None:
    x, y = room.edge(side, rng.uniform(0.02, 0.1)), rng.uniform(0.0, 0.05)
    pot, green, height = pick(rng, POTS), pick(rng, LEAVES), rng.uniform(0.3, 0.5)
    for angle in rng.uniform(-1.0, 1.0, size=13):
        blade = _leaf(angle, height * rng.uniform(0.6, 1.1))
        room.put(blade, green * rng.uniform(0.75, 1.2), x=x, y=y - 0.13)
    body = mirrored(points((0, -0.14), (0.055, -0.14), (0.04, 0.0), (0, 0.005)))
    room.put(body, pot, x=x, y=y)
    room.put(body * (0.45, 1), pot * 0.88, 0.6, x=x + 0.02, y=y)


def _leaf(angle: float, length: float) -> Array:
    """A long leaf that grows upwards from (0, 0) and bends to its side."""
    tip = np.array([0.6 * np.sin(angle), -np.cos(angle * 0.7)]) * length
    spine = curve(np.stack([np.zeros(2), tip * (0.25, 0.65), tip]), 6)
    wide = 0.02 * np.sin(np.linspace(0.15, np.pi, len(spine)))[:, None]
    return np.vstack([spine + wide * (1, 0), (spine - wide * (1, 0.3))[::-1]])


def _shelf(rng: Generator, room: Room, side: int) -> None:
    x, wood = room.edge(side, 0.08), pick(rng, WOOD)
    for y in np.arange(-0.42, -1.2, -rng.uniform(0.2, 0.28)):
        board = rectangle(-0.17, 0, 0.17, 0.014)
        room.put(board, wood * 0.4, 0.25, x=x, y=y + 0.014)
        room.put(board, wood, x=x, y=y)
        _fill_shelf(rng, room, x, y)


def _fill_shelf(rng: Generator, room: Room, x: float, y: float) -> None:
    at = x - 0.15
    while at < x + 0.13:
        wide, high = rng.uniform(0.012, 0.03), rng.uniform(0.06, 0.12)
        colour = 0.6 * pick(rng, list(CLOTH.values())) + 0.25
        if rng.random() < 0.2:
            room.put(ellipse(at + 0.03, y - 0.035, 0.028, 0.036), colour)
            wide = 0.07
        else:
            room.put(rectangle(at, y - high, at + wide, y), colour)
        at += wide + rng.choice([0.001, 0.001, 0.03])


def _picture(rng: Generator, room: Room, side: int) -> None:
    x, y = room.edge(side, rng.uniform(0.06, 0.16)), rng.uniform(-0.85, -0.65)
    wide, high = rng.uniform(0.07, 0.11), rng.uniform(0.1, 0.15)
    frame = rectangle(-wide, -high, wide, high)
    room.put(frame, INK, 0.2, x=x + 0.01, y=y + 0.012)
    room.put(frame, pick(rng, [*WOOD, INK, PAPER]), x=x, y=y)
    room.put(frame * (1 - 0.01 / wide, 1 - 0.01 / high), PAPER * 0.97, x=x, y=y)
    for _ in range(3):
        blot = ellipse(*rng.uniform(-0.03, 0.03, 2), *rng.uniform(0.015, 0.04, 2))
        room.put(blot, pick(rng, list(CLOTH.values())), 0.75, x=x, y=y)


def _lamp(rng: Generator, room: Room, side: int) -> None:
    x, steel = room.edge(side, rng.uniform(0.06, 0.14)), pick(rng, STEEL)
    room.put(rectangle(-0.004, -0.72, 0.004, 0.04), steel, x=x)
    room.put(ellipse(0, 0.04, 0.06, 0.012), steel, x=x)
    for grow in (1.9, 1.5, 1.2):
        room.put(ellipse(0, -0.78, 0.09 * grow, 0.1 * grow), GLOW, 0.1, x=x)
    shade = mirrored(points((0, -0.88), (0.06, -0.88), (0.095, -0.7), (0, -0.695)))
    room.put(shade, GLOW * 0.96, x=x)


def _stool(rng: Generator, room: Room, side: int) -> None:
    x, wood = room.edge(side, rng.uniform(0.05, 0.14)), pick(rng, WOOD)
    low = rng.uniform(0.03, 0.07)
    for foot in (-0.075, -0.025, 0.03, 0.075):
        top = 0.7 * foot
        leg = points((top - 0.006, -0.24), (top + 0.006, -0.24), (foot + 0.005, low), (foot, low))
        room.put(leg, wood * 0.85, x=x)
    room.put(rectangle(-0.085, -0.265, 0.085, -0.24), wood, x=x)
    room.put(ellipse(0, -0.265, 0.085, 0.016), wood * 1.1, x=x)


THINGS = (_plant, _plant, _shelf, _picture, _lamp, _stool)
