import numpy as np
import pytest

from tvcli.demo.drawing.colour import CLOTH, luminance, mix, shade
from tvcli.demo.drawing.light import Light, light_on
from tvcli.demo.drawing.part import Surface
from tvcli.demo.drawing.pattern import PATTERNS, choose_print, colour_cloth

PIXEL = 0.002


@pytest.fixture
def surface() -> Surface:
    y, x = np.mgrid[0:0.4:PIXEL, -0.2:0.2:PIXEL]
    return Surface(x / 0.2, x, y)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("seed", range(4))
def test_ground_is_most_of_the_cloth(surface: Surface, pattern: str, seed: int) -> None:
    cloth = choose_print(np.random.default_rng(seed), pattern, "navy")
    colours = colour_cloth(cloth, surface, PIXEL)
    assert colours.shape == (*surface.across.shape, 3)
    ground = np.abs(colours - cloth.ground).max(axis=-1) < 0.02
    if pattern == "plain":
        assert ground.all()
    else:
        assert 0.2 < ground.mean() < 0.95


def test_stripes_repeat_and_dots_do_not_run_together(surface: Surface) -> None:
    cloth = choose_print(np.random.default_rng(1), "dots", "white")
    accent = np.abs(colour_cloth(cloth, surface, PIXEL) - cloth.accent).max(axis=-1) < 0.02
    assert 0 < accent.mean() < 0.4
    assert not accent.all(axis=0).any()
    assert not accent.all(axis=1).any()


def test_colour_is_near_its_name() -> None:
    for seed, (name, colour) in enumerate(CLOTH.items()):
        cloth = choose_print(np.random.default_rng(seed), "plain", name)
        assert np.abs(cloth.ground - colour).max() < 0.1


def test_shade_darkens_and_pales() -> None:
    grey = np.array([0.5, 0.5, 0.5])
    dark, same, pale = shade(grey, np.array([[0.5, 1.0, 1.3]]))[0]
    assert luminance(dark) < luminance(same) < luminance(pale)
    np.testing.assert_allclose(same, grey)


def test_mix_takes_its_share_of_both() -> None:
    mixed = mix(np.zeros(3), np.ones(3), np.array([[0.0, 0.25, 1.0]]))
    np.testing.assert_allclose(mixed[0, :, 0], [0, 0.25, 1])


@pytest.mark.parametrize("side", [-0.8, 0.8])
def test_side_that_faces_the_lamp_is_brighter(surface: Surface, side: float) -> None:
    taken = light_on(surface, Light(side, 1.0, np.ones(3)))
    left, right = taken[:, :50].mean(), taken[:, -50:].mean()
    assert (right > left) == (side > 0)
