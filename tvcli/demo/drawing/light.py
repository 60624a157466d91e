"""Studio light, and how surfaces and folds take it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing.geometry import Array, smoothstep
from tvcli.demo.drawing.part import Drape, Surface


@dataclass(frozen=True)
class Light:
    """A lamp at one side: side is -1 (left) to 1 (right), hard is how deep its shadows are.

    tint is the colour of the whole picture, (3,) about 1.
    """

    side: float
    hard: float
    tint: Array


def set_light(rng: Generator) -> Light:
    """A lamp somewhere in front, its bulb a little warm or cold."""
    side = float(rng.choice([-1, 1])) * rng.uniform(0.25, 0.95)
    warmth, level = rng.normal(0, 0.025), rng.uniform(0.94, 1.05)
    tint = np.array([1 + warmth, 1.0, 1 - warmth], np.float32) * level
    return Light(side, rng.uniform(0.5, 1.0), tint)


def light_on(surface: Surface, light: Light) -> Array:
    """The light that a rounded surface takes at each pixel, about 1."""
    across = surface.across * 0.94
    facing = np.sqrt(1 - across**2)
    lamp = np.clip(across * light.side + facing * 1.1, 0, None)
    deep = 0.36 + 0.14 * light.hard
    return np.asarray(1.07 - deep + deep / math.hypot(light.side, 1.1) * lamp)


def light_on_folds(surface: Surface, drape: Drape, light: Light) -> Array:
    """What folds and creases add to or take from the light, about 0."""
    grown = smoothstep(drape.start, drape.start + drape.reach, surface.warp)
    # A fold is lit on the side that faces the lamp: the slope of its wave, not its height.
    slope = fold_wave(surface.across, drape, shift=0.9 * float(np.sign(light.side)))
    folds = drape.depth * grown * (slope - 0.25)
    return np.asarray(folds + drape.crease * _creases(surface, drape.phase))


def fold_wave(across: Array, drape: Drape, shift: float = 0.0) -> Array:
    """The height of the folds, -1..1, at positions across a part."""
    # Folds crowd towards the edges, where the cloth turns away from the eye.
    angle = 0.6 * np.arcsin(np.clip(across, -1, 1)) + 0.5 * across
    first = np.sin(drape.folds * np.pi * angle + drape.phase + shift)
    second = np.sin(1.7 * drape.folds * np.pi * angle + 2.3 * drape.phase + shift)
    return np.asarray(0.7 * first + 0.3 * second)


def _creases(surface: Surface, phase: float) -> Array:
    s, t = surface.weft * 60, surface.warp * 60
    warped = t + 1.2 * np.sin(0.9 * s + phase)
    soft = np.sin(0.55 * s + 0.5 * warped + phase) + np.sin(0.9 * s - 0.35 * t + 2.1 * phase)
    return np.asarray((soft + 0.6 * np.sin(0.2 * s - 1.3 * warped + 3.7 * phase)) / 2.6)
