"""One photo of one garment: figure, garment, scene, light and camera put together."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image

from tvcli.demo.drawing.camera import aim, choose_frame, expose
from tvcli.demo.drawing.colour import in_rgb
from tvcli.demo.drawing.cut import Cut, cut
from tvcli.demo.drawing.figure import (
    Figure,
    cast_figure,
    paint_arms,
    paint_legs,
    paint_torso,
)
from tvcli.demo.drawing.garment import Garment
from tvcli.demo.drawing.geometry import Array
from tvcli.demo.drawing.head import paint_back_of_hair, paint_head
from tvcli.demo.drawing.light import set_light
from tvcli.demo.drawing.pose import Stance, stand
from tvcli.demo.drawing.scene import paint_scene
from tvcli.demo.drawing.sewing import Needle
from tvcli.demo.drawing.stage import Stage
from tvcli.demo.drawing.trim import trim

# Arms hang behind the shoulder of a garment and in front of its side.
FOREARM_FADE = (0.31, 0.36)
SLEEVE_FADE = (0.27, 0.33)
HIP_FADE = (0.5, 0.44)


@dataclass(frozen=True)
class Photo:
    """A drawn photo, and the share of each of its pixels that shows the garment, (h, w)."""

    image: Image.Image
    worn: Array

    @property
    def box(self) -> list[int]:
        """The garment's visible extent: [x0, y0, x1, y1] in pixels, half open."""
        rows, columns = (np.flatnonzero((self.worn >= 0.5).any(axis=axis)) for axis in (1, 0))
        return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def take_photo(rng: Generator, garment: Garment, size: int) -> Photo:
    """A photo of the garment, its shorter side size to 1.3 times size; rng decides all else."""
    light = set_light(rng)
    figure = cast_figure(rng, needs_legs=garment.kind == "trousers")
    skirted = garment.kind in ("dress", "skirt")
    stance = stand(rng, limp=figure.kind == "form", feet_apart=not skirted)
    pieces = cut(garment, stance, phase=rng.uniform(0, 2 * np.pi))
    width, height = choose_frame(rng, size, pieces.outlines)
    stage = Stage(width, height, aim(rng, pieces.outlines, width, height), light)
    paint_wearer(stage, garment, figure, stance, pieces)
    scene = paint_scene(rng, stage)
    whole = scene * in_rgb(1 - stage.alpha) + stage.pixels
    return Photo(expose(rng, whole, light), stage.worn)


def paint_wearer(
    stage: Stage, garment: Garment, figure: Figure, stance: Stance, pieces: Cut
) -> None:
    """Paint a figure in the pieces of a garment onto a stage, from the back to the front."""
    upper = garment.kind in ("shirt", "t-shirt", "coat")
    paint_back_of_hair(stage, figure)
    paint_legs(stage, figure, stance, covered=upper)
    paint_torso(stage, figure, top=garment.kind in ("skirt", "trousers", "coat"), bottom=upper)
    paint_arms(stage, figure, stance)
    _dress_body(stage, garment, pieces)
    paint_arms(stage, figure, stance, fade=FOREARM_FADE)
    needle = Needle(stage, garment, pieces)
    for sleeve in pieces.long_sleeves:
        stage.dress(sleeve, garment.cloth, fade=SLEEVE_FADE)
        needle.cuff(sleeve)
    paint_head(stage, figure)


def _dress_body(stage: Stage, garment: Garment, pieces: Cut) -> None:
    needle = Needle(stage, garment, pieces)
    for tube in (*pieces.sleeves, *pieces.legs):
        stage.dress(tube, garment.cloth)
        needle.cuff(tube)
    if garment.neckline == "straps":
        needle.straps()
    stage.dress(pieces.body, garment.cloth, fade=HIP_FADE if pieces.legs else None)
    trim(needle)
