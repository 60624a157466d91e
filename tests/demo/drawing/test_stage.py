import numpy as np
import pytest

from tvcli.demo.drawing.geometry import points, rectangle
from tvcli.demo.drawing.light import Light
from tvcli.demo.drawing.part import Drape, Panel, Part, limb
from tvcli.demo.drawing.pattern import choose_print
from tvcli.demo.drawing.pose import Pose
from tvcli.demo.drawing.stage import Stage

BLOCK = Panel(rectangle(-0.2, 0.2, 0.2, 0.6), points((0.2, 0.2), (0.6, 0.2)), Drape(crease=0))
POLE = limb(points((0, 0.2), (0, 0.4), (0, 0.6)), (0.1, 0.1), Drape(crease=0))
CLOTH = choose_print(np.random.default_rng(0), "plain", "sky")


def empty_stage(side: float = 0.0, mirror: bool = False) -> Stage:
    return Stage(100, 100, Pose(100.0, 50.0, 100.0, mirror=mirror), Light(side, 1.0, np.ones(3)))


def test_garment_is_worn_until_something_covers_it() -> None:
    stage = empty_stage()
    stage.dress(BLOCK, CLOTH)
    assert stage.worn[30:50, 40:60].min() == pytest.approx(1)
    stage.lay(stage.mask(rectangle(-0.1, 0.3, 0.1, 0.5)), np.zeros(3))
    assert stage.worn[35:45, 45:55].max() == pytest.approx(0)
    assert stage.worn[25, 35] == pytest.approx(1)
    assert stage.alpha[30:50, 40:60].min() == pytest.approx(1)


def test_figure_is_not_worn() -> None:
    stage = empty_stage()
    stage.paint(BLOCK, np.ones(3) * 0.5)
    assert stage.alpha.max() == pytest.approx(1)
    assert stage.worn.max() == 0


def test_marks_stay_on_the_garment() -> None:
    stage = empty_stage()
    stage.dress(BLOCK, CLOTH)
    before = stage.alpha.copy()
    stage.mark(stage.stroke(points((-0.5, 0.4), (0.5, 0.4)), 0.04), np.array([1.0, 0, 0]))
    np.testing.assert_array_equal(stage.alpha, before)
    np.testing.assert_allclose(stage.pixels[40, 50], [1, 0, 0], atol=0.02)
    assert stage.pixels[40, 10].max() == 0


def test_shadows_darken_only_what_is_there() -> None:
    stage = empty_stage()
    stage.paint(BLOCK, np.ones(3) * 0.5)
    bright, before = stage.pixels[40, 50].copy(), stage.alpha.copy()
    stage.dim(stage.mask(BLOCK.outline), 0.5, 0.01)
    assert (stage.pixels[40, 50] < bright).all()
    np.testing.assert_array_equal(stage.alpha, before)


def test_fade_hides_the_part_above_it() -> None:
    stage = empty_stage()
    stage.dress(BLOCK, CLOTH, fade=(0.35, 0.45))
    assert stage.worn[:34].max() == 0
    assert stage.worn[46:55, 40:60].min() == pytest.approx(1)


@pytest.mark.parametrize("part", [BLOCK, POLE])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("side", [-0.8, 0.8])
def test_lamp_lights_the_same_side_of_all_parts(part: Part, mirror: bool, side: float) -> None:
    stage = empty_stage(side, mirror)
    stage.paint(part, np.ones(3) * 0.5)
    left, right = stage.pixels[40, 42].sum(), stage.pixels[40, 57].sum()
    assert (right > left) == (side > 0)
