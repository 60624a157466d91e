"""The scene behind the figure: a furnished room, out of focus, with the figure's soft shadows."""

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing import raster
from tvcli.demo.drawing.backdrop import View, paint_backdrop
from tvcli.demo.drawing.colour import in_rgb
from tvcli.demo.drawing.geometry import Array, ellipse
from tvcli.demo.drawing.prop import furnish
from tvcli.demo.drawing.stage import Stage


def paint_scene(rng: Generator, stage: Stage) -> Array:
    """The room behind the stage, as (h, w, 3)."""
    pose = stage.pose
    # A room drawn at the scale of a close-up would be all plaster: it is kept within bounds.
    unit = min(pose.scale, 1.25 * stage.height)
    view = View(stage.width, stage.height, pose.foot_y - 0.09 * unit, unit)
    room = furnish(rng, paint_backdrop(rng, view), view)
    focus = rng.uniform(0.001, 0.006) * min(stage.width, stage.height)
    room = raster.blurred(room, focus)
    shadow = np.clip(_wall_shadow(stage) + _floor_shadow(stage), 0, 0.6)
    return np.asarray(room * in_rgb(1 - shadow))


def _wall_shadow(stage: Stage) -> Array:
    """The figure's shadow on the wall, away from the lamp, (h, w)."""
    pose, light = stage.pose, stage.light
    right, down = round(-light.side * 0.06 * pose.scale), round(0.02 * pose.scale)
    room = max(abs(right), down)
    height, width = stage.alpha.shape
    # The figure goes on beyond the photo's edges, and so does its shadow.
    wider = np.pad(stage.alpha, room, mode="edge")
    thrown = wider[room - down :, room - right :][:height, :width]
    soft = raster.blurred(thrown, 0.028 * min(pose.scale, 1.2 * stage.height))
    return (0.16 + 0.16 * light.hard) * soft


def _floor_shadow(stage: Stage) -> Array:
    """The dark place between the feet, (h, w)."""
    pose, size = stage.pose, stage.pose.scale
    place = ellipse(pose.foot_x, pose.foot_y - 0.01 * size, 0.17 * size, 0.022 * size)
    mask = raster.fill(place, stage.width, stage.height)
    soft = raster.soften(mask, 0.012 * size, stage.width, stage.height)
    floor = np.zeros_like(stage.alpha)
    floor[soft.window] = 0.35 * soft.alpha
    return floor
