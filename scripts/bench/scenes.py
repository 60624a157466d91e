"""Draws scenes with no to three garments, with a box and a kind for each: for `objects.py`.

    python -m scripts.bench.scenes scenes/ [--count 240] [--seed 0]

Writes scenes/photos/*.jpg and scenes/boxes.jsonl, in which scenes without a garment are empty. The
figures are those of `tv demo`, side by side in one room; each may hide part of the one before it.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from tvcli.core.boxes import Box
from tvcli.demo.drawing.camera import aim, expose
from tvcli.demo.drawing.collection import design_garment
from tvcli.demo.drawing.colour import in_rgb
from tvcli.demo.drawing.cut import cut
from tvcli.demo.drawing.figure import cast_figure
from tvcli.demo.drawing.garment import Garment
from tvcli.demo.drawing.light import set_light
from tvcli.demo.drawing.photo import paint_wearer
from tvcli.demo.drawing.pose import stand
from tvcli.demo.drawing.scene import paint_scene
from tvcli.demo.drawing.stage import Stage

HEIGHTS, PANELS = (300, 420), (0.5, 0.9)  # pixels; a figure's panel, in heights
CLOSER = 0.2  # of a panel: how far the next one may reach into it
LEAST_SEEN = 0.25  # of a garment's own pixels: one that is hidden more has no box
KINDS = 60  # garments that the figures wear


def draw_scene(rng: Generator, count: int) -> tuple[Any, list[tuple[Box, str]]]:
    """Return a picture with `count` garments, and their boxes in pixels with their kinds."""
    height = int(rng.integers(*HEIGHTS))
    panels = rng.uniform(*PANELS, max(1, count)) * height
    lefts = np.concatenate([[0.0], np.cumsum(panels * (1 - rng.uniform(0, CLOSER, len(panels))))])
    width = round(float(lefts[-2] + panels[-1]))
    light = set_light(rng)
    garments = [design_garment(int(n), seed=0) for n in rng.integers(0, KINDS, max(1, count))]
    stages = [
        _wearer(rng, garment, light, (width, height), (float(left), round(float(panel))))
        for garment, left, panel in zip(garments, lefts[:-1], panels, strict=True)
    ]
    if not count:  # the room alone
        stages = [Stage(width, height, stages[0].pose, light)]
    whole = paint_scene(rng, stages[0])
    boxes: list[tuple[Any, float, str]] = []
    for number in rng.permutation(len(stages)):  # from the back to the front
        stage = stages[number]
        whole = whole * in_rgb(1 - stage.alpha) + stage.pixels
        boxes = [(worn * (1 - stage.alpha), own, kind) for worn, own, kind in boxes]
        boxes.append((stage.worn, float(stage.worn.sum()), garments[number].kind))
    seen = [(_extent(worn), kind) for worn, own, kind in boxes if worn.sum() > LEAST_SEEN * own > 0]
    return expose(rng, whole, light), [(box, kind) for box, kind in seen if box]


def _wearer(
    rng: Generator, garment: Garment, light: Any, size: tuple[int, int], panel: tuple[float, int]
) -> Stage:
    """Return a figure in the garment, on a stage of the whole scene, within a panel of it."""
    figure = cast_figure(rng, needs_legs=garment.kind == "trousers")
    apart = garment.kind not in ("dress", "skirt")
    stance = stand(rng, limp=figure.kind == "form", feet_apart=apart)
    pieces = cut(garment, stance, phase=rng.uniform(0, 2 * np.pi))
    (width, height), (left, across) = size, panel
    pose = aim(rng, pieces.outlines, across, height)
    pose = pose.at(pose.scale, pose.foot_x + left, pose.foot_y)
    stage = Stage(width, height, pose, light)
    paint_wearer(stage, garment, figure, stance, pieces)
    return stage


def _extent(worn: Any) -> Box | None:
    """Return the extent of what is seen of a garment; None where that is next to nothing."""
    rows, columns = (np.flatnonzero((worn >= 0.5).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    (given.folder / "photos").mkdir(parents=True, exist_ok=True)
    with (given.folder / "boxes.jsonl").open("w") as file:
        for number in range(given.count):
            picture, boxes = draw_scene(np.random.default_rng([given.seed, number]), number % 4)
            image = f"photos/scene-{given.seed}-{number:04}.jpg"
            picture.save(given.folder / image, quality=92)
            about = {"image": image, "width": picture.width, "height": picture.height}
            records = [about | {"box": list(box), "label": kind} for box, kind in boxes]
            for record in records or [about | {"empty": True}]:
                file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
