"""Who wears the garment: a tailor's form on its stand, a shop mannequin, or a person."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing.colour import HAIR, NEUTRAL, SHOE, SKIN, WOOD, pick, rgb
from tvcli.demo.drawing.geometry import Array, cross_section, curve, ellipse, mirrored, points
from tvcli.demo.drawing.part import Drape, Panel, limb
from tvcli.demo.drawing.pose import Stance
from tvcli.demo.drawing.stage import Fade, Stage

HAIR_STYLES = ("short", "bob", "long", "bun", "curly")
LINEN = [rgb("d9c7a8"), rgb("cbbfae"), rgb("3b3a3d"), rgb("b8a07e")]
SMOOTH = [rgb("f0eeea"), rgb("e2d6c8"), rgb("4a4a4d"), rgb("c9c7c5")]
STILL = Drape(crease=0.0)
# Where the torso, downwards, gives way to the legs, or its skin to what it wears below.
HIP_FADE, WAIST_FADE = (0.525, 0.465), (0.45, 0.42)
TORSO = cross_section(
    [(0.108, 0.021), (0.138, 0.0215), (0.15, 0.032), (0.163, 0.066), (0.178, 0.096), (0.205, 0.1),
     (0.235, 0.088), (0.265, 0.087), (0.32, 0.074), (0.375, 0.066), (0.43, 0.084), (0.48, 0.093),
     (0.535, 0.093)]
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure: kind is "form", "mannequin" or "person"; colours are (3,).

    under is the colour of what it wears where the garment is not.
    """

    kind: str
    skin: Array
    hair: Array
    style: str
    under: Array
    shoe: Array


def cast_figure(rng: Generator, *, needs_legs: bool) -> Figure:
    """A figure of any kind; one that needs legs is never a form on a stand."""
    kinds = (
        ("mannequin", "person", "person")
        if needs_legs
        else ("form", "mannequin", "person", "person")
    )
    kind = str(rng.choice(kinds))
    palette = {"form": LINEN, "mannequin": SMOOTH, "person": SKIN}[kind]
    return Figure(
        kind, pick(rng, palette), pick(rng, HAIR), str(rng.choice(HAIR_STYLES)),
        pick(rng, NEUTRAL), pick(rng, WOOD if kind == "form" else SHOE),
    )  # fmt: skip


def paint_legs(stage: Stage, figure: Figure, stance: Stance, *, covered: bool) -> None:
    """Paint legs and shoes, or a form's stand; covered legs wear leggings."""
    if figure.kind == "form":
        _paint_stand(stage, figure)
        return
    colour = figure.under if covered and figure.kind == "person" else figure.skin
    for leg in stance.legs:
        stage.paint(limb(leg, (0.05, 0.043, 0.033, 0.031, 0.018), STILL), colour, gloss=0.04)
        _paint_shoe(stage, figure, leg[-1])


def paint_torso(stage: Stage, figure: Figure, *, top: bool, bottom: bool) -> None:
    """Paint the torso, with a plain top or bottom where the garment leaves one out."""
    clothed = bottom and figure.kind == "person"
    fade = None if figure.kind == "form" else WAIST_FADE if clothed else HIP_FADE
    half = np.vstack([points((0, 0.108)), TORSO[:, ::-1], points((0.05, 0.545), (0, 0.545))])
    stage.paint(Panel(mirrored(half), TORSO, STILL), figure.skin, gloss=0.03, fade=fade)
    if figure.kind == "form":
        _paint_form_seams(stage, figure)
    if top and figure.kind != "form":
        _paint_tank(stage, figure)
    if clothed:
        low = TORSO[TORSO[:, 0] > 0.39]
        half = np.vstack(
            [points((0, 0.395)), low[:, ::-1] * (1.02, 1), points((0.05, 0.557), (0, 0.557))]
        )
        stage.paint(Panel(mirrored(half), TORSO, STILL), figure.under, fade=HIP_FADE)


def paint_arms(stage: Stage, figure: Figure, stance: Stance, *, fade: Fade = None) -> None:
    """Paint the arms and hands, or with a fade only what of them lies below it."""
    if figure.kind == "form":
        return
    for arm in stance.arms:
        reach = arm[2] - arm[1]
        hand = np.stack([arm[2] - 0.1 * reach, arm[2] + 0.14 * reach, arm[2] + 0.32 * reach])
        stage.paint(limb(hand, (0.011, 0.0155, 0.007), STILL, round_end=True), figure.skin)
        whole = limb(arm, (0.026, 0.0235, 0.02, 0.0165, 0.0115), STILL)
        stage.paint(whole, figure.skin, gloss=0.03, fade=fade)


def _paint_tank(stage: Stage, figure: Figure) -> None:
    edge = points(
        (0, 0.215), (0.035, 0.2), (0.048, 0.16), (0.068, 0.16), (0.072, 0.205), (0.09, 0.24)
    )
    low = TORSO[(TORSO[:, 0] > 0.25) & (TORSO[:, 0] < 0.43)]
    half = np.vstack([curve(edge, 4), low[:, ::-1] * (1.03, 1), points((0, 0.44))])
    stage.paint(Panel(mirrored(half), TORSO, Drape(crease=0.04)), figure.under)


def _paint_shoe(stage: Stage, figure: Figure, ankle: Array) -> None:
    side = np.sign(ankle[0])
    foot = curve(points((-0.016, -0.012), (-0.021, 0.02), (-0.012, 0.048), (0.014, 0.05),
                        (0.024, 0.03), (0.017, -0.012)), 5)  # fmt: skip
    colour = figure.shoe if figure.kind == "person" else figure.skin * 0.93
    stage.lay(stage.mask(foot * (side, 1) + ankle), colour * 0.95)
    stage.lay(stage.mask(ellipse(ankle[0] + 0.003 * side, ankle[1] + 0.02, 0.008, 0.016)), colour)


def _paint_stand(stage: Stage, figure: Figure) -> None:
    pole = limb(points((0, 0.5), (0, 0.7), (0, 0.95)), (0.009, 0.009, 0.009), STILL)
    for x, y in ((-0.1, 1.0), (0.1, 1.0), (0.02, 1.012)):
        stage.paint(limb(points((0, 0.93), (x / 2, 0.95), (x, y)), (0.008, 0.007, 0.006), STILL,
                         round_end=True), figure.shoe)  # fmt: skip
    stage.paint(pole, figure.shoe, gloss=0.1)


def _paint_form_seams(stage: Stage, figure: Figure) -> None:
    for x in (-0.045, 0.0, 0.045):
        path = points((x * 0.5, 0.15), (x, 0.24), (x * 0.8, 0.375), (x * 1.1, 0.54))
        stage.lay(stage.stroke(curve(path, 6), 0.002).scaled(0.4), figure.skin * 0.6)
    cap = limb(points((0, 0.09), (0, 0.1), (0, 0.112)), (0.006, 0.016, 0.021), STILL)
    stage.paint(cap, figure.shoe, gloss=0.15)
