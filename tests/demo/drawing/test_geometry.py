import numpy as np
import pytest

from tvcli.demo.drawing.geometry import curve, ellipse, inside, mirrored, points, smoothstep
from tvcli.demo.drawing.part import Panel, limb
from tvcli.demo.drawing.pose import Pose
from tvcli.demo.drawing.raster import fill, line, soften


def test_curve_passes_through_its_knots() -> None:
    knots = points((0, 0), (1, 2), (3, 1), (4, 4))
    smooth = curve(knots, steps=5)
    assert smooth.shape == (16, 2)
    np.testing.assert_allclose(smooth[::5], knots, atol=1e-12)


def test_curve_through_a_straight_line_is_straight() -> None:
    smooth = curve(points((0, 0), (1, 1), (2, 2)))
    np.testing.assert_allclose(smooth[:, 0], smooth[:, 1], atol=1e-12)


def test_mirrored_outline_is_symmetric() -> None:
    outline = mirrored(points((0, 0), (1, 0), (2, 3)))
    assert {tuple(p) for p in outline} == {tuple(p * (-1, 1)) for p in outline}


def test_soft_edges_are_half_at_the_edge() -> None:
    np.testing.assert_allclose(inside(np.array([-9.0, 0.0, 9.0]), 1.0), [1, 0.5, 0])
    np.testing.assert_allclose(smoothstep(0, 2, np.array([-1.0, 1.0, 3.0])), [0, 0.5, 1])
    np.testing.assert_allclose(smoothstep(2, 0, np.array([-1.0, 1.0, 3.0])), [1, 0.5, 0])


@pytest.mark.parametrize("mirror", [False, True])
def test_pose_there_and_back_is_the_same_point(mirror: bool) -> None:
    pose = Pose(300.0, 120.0, 380.0, turn=0.1, lean=0.05, mirror=mirror)
    figure = np.random.default_rng(0).uniform(-0.3, 1.1, size=(50, 2))
    pixels = pose.to_pixels(figure)
    x, y = pose.to_figure(pixels[:, 0], pixels[:, 1])
    np.testing.assert_allclose(np.stack([x, y], axis=1), figure, atol=1e-9)


def test_pose_keeps_the_feet_in_place() -> None:
    pose = Pose(300.0, 120.0, 380.0, turn=0.1, lean=0.05)
    np.testing.assert_allclose(pose.to_pixels(points((0, 1))), [[120, 380]])


def test_fill_covers_a_rectangle_exactly() -> None:
    mask = fill(points((2, 3), (7, 3), (7, 9), (2, 9)), width=20, height=20)
    whole = np.zeros((20, 20))
    whole[mask.window] = mask.alpha
    assert whole[3:9, 2:7].min() > 0.7
    assert whole.sum() == pytest.approx(30, rel=0.15)
    assert whole[:2].sum() == whole[:, 9:].sum() == 0


def test_fill_covers_a_disc_by_its_area() -> None:
    mask = fill(ellipse(30, 30, 20, 20, steps=90), width=60, height=60)
    assert mask.alpha.sum() == pytest.approx(np.pi * 400, rel=0.03)


def test_mask_outside_the_photo_is_empty() -> None:
    mask = fill(ellipse(-50, 10, 5, 5), width=20, height=20)
    assert mask.alpha.size == 0
    assert soften(mask, 2.0, 20, 20).alpha.sum() == 0


def test_mask_is_cut_at_the_photos_edge() -> None:
    mask = line(points((-10, 5), (40, 5)), pen=3, width=20, height=20)
    rows, columns = mask.window
    assert (columns.start, columns.stop) == (0, 20)
    assert 0 <= rows.start < 5 < rows.stop <= 20


def test_soften_keeps_the_amount() -> None:
    mask = fill(ellipse(30, 30, 8, 8), width=60, height=60)
    assert soften(mask, 2.0, 60, 60).alpha.sum() == pytest.approx(mask.alpha.sum(), rel=0.05)


def test_tube_surface_runs_across_and_along() -> None:
    tube = limb(points((0, 0), (0, 0.5), (0, 1)), (0.1, 0.1))
    surface = tube.surface(np.array([-0.05, 0.0, 0.05]), np.array([0.3, 0.3, 0.3]))
    np.testing.assert_allclose(surface.across, [-0.5, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(surface.warp, 0.3, atol=1e-6)
    assert tube.length == pytest.approx(1.0)


def test_panel_pattern_spreads_where_the_panel_widens() -> None:
    outline = points((-0.1, 0), (0.1, 0), (0.3, 1), (-0.3, 1))
    panel = Panel(outline, points((0, 0.1), (1, 0.3)))
    surface = panel.surface(np.array([0.1, 0.3]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(surface.across, [1, 1])
    assert 0.1 < surface.weft[1] / 0.3 < surface.weft[0] / 0.1
