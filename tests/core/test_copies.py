import math
from pathlib import Path

import numpy as np
import pytest
from conftest import picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.records import Record
from tvcli.core.files.sources import Source, open_sources
from tvcli.core.images.copies import CHANGES, changed
from tvcli.core.images.copies.changes import kinds_for, kinds_named, rng_of
from tvcli.core.images.copies.geometric import largest_upright
from tvcli.core.images.copies.making import CopySettings, make_copies
from tvcli.core.reports import Report


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.int16)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_changes_and_does_so_alike_for_a_seed(kind: str) -> None:
    image = picture(1, 400, 300)
    first, again = (changed(image, kind, 0, "a") for _ in range(2))
    assert first.mode == "RGB" and first.tobytes() == again.tobytes()
    assert first.size != image.size or first.tobytes() != image.tobytes()
    if kind != "mirror":  # which leaves nothing to chance
        others = [changed(image, kind, 0, name).tobytes() for name in "bcd"]
        assert any(other != first.tobytes() for other in others)
    assert image.tobytes() == picture(1, 400, 300).tobytes()


RANGES = {
    "scale": {"scale": (0.25, 2)},
    "rotation": {"degrees": (-180, 270)},
    "jpeg": {"quality": (10, 40)},
    "blur": {"deviation": (0.004, 0.01)},
    "noise": {"levels": (8, 24)},
    "brightness": {"brightness": (0.6, 1.4), "contrast": (0.6, 1.4)},
    "colour": {"saturation": (0, 2)},
    "frame": {"width": (0.04, 0.12)},
}


@pytest.mark.parametrize("kind", RANGES)
def test_parameters_cover_their_range_and_stay_in_it(kind: str) -> None:
    drawn = [CHANGES[kind].draw(rng_of(kind, 0, str(name))) for name in range(400)]
    for name, (low, high) in RANGES[kind].items():
        values = [parameters[name] for parameters in drawn]
        assert low <= min(values) <= low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) <= max(values) <= high


def test_crops_keep_half_of_the_area_or_more_and_lie_anywhere() -> None:
    drawn = [CHANGES["crop"].draw(rng_of("crop", 0, str(name))) for name in range(400)]
    areas = [parameters["across"] * parameters["down"] for parameters in drawn]
    assert 0.4999 <= min(areas) < 0.53 and 0.9 < max(areas) <= 0.9501
    assert all(max(parameters["across"], parameters["down"]) <= 1.0001 for parameters in drawn)
    assert min(p["left"] for p in drawn) < 0.1 and max(p["left"] for p in drawn) > 0.9


@given(st.floats(10, 500), st.floats(10, 500), st.floats(-math.pi, math.pi))
def test_the_largest_upright_rectangle_lies_inside_the_turned_one(
    width: float, height: float, angle: float
) -> None:
    across, down = largest_upright(width, height, angle)
    for x, y in ((across, down), (across, -down)):
        back_x = abs(x * math.cos(angle) - y * math.sin(angle))
        back_y = abs(x * math.sin(angle) + y * math.cos(angle))
        assert back_x <= width * (1 + 1e-6) and back_y <= height * (1 + 1e-6)
    assert across * down >= 0.5 * min(width, height) ** 2 * (1 - 1e-6)  # a square, at 45 degrees


def test_a_cut_rotation_has_no_empty_corner() -> None:
    white = Image.new("RGB", (200, 150), "white")
    for degrees in (-170, -20, 3, 15, 90, 180, 270):
        turned = CHANGES["rotation"].apply(white, degrees=degrees, cut=True, colour=[0, 0, 0]).image
        assert pixels(turned).min() > 200, degrees
    filled = CHANGES["rotation"].apply(white, degrees=45, cut=True, colour=[9, 8, 7]).image
    assert tuple(pixels(filled)[0, 0]) == (9, 8, 7)  # cutting would leave less than half


def test_kinds_take_turns_and_are_named() -> None:
    first = [kinds_for(f"{name}", list("abc"), 2, 0) for name in range(60)]
    assert {kinds[0] for kinds in first} == set("abc")
    assert all(kinds[0] != kinds[1] for kinds in first)
    assert kinds_named(["crop,text", "crop"]) == ["crop", "text"]
    assert kinds_named([]) == list(CHANGES)
    with pytest.raises(UsageError, match="no such change"):
        kinds_named(["shear"])


def made(photos: Path, folder: Path, **settings: object) -> list[Record]:
    source = open_sources([str(photos)], stdin=None)  # type: ignore[arg-type]
    return list(make_copies(source, folder, CopySettings(**settings), Report()))  # type: ignore[arg-type]


def test_copies_do_not_depend_on_where_things_lie(photos: Path, tmp_path: Path) -> None:
    first = made(photos, tmp_path / "a", count=3)
    moved = photos.rename(tmp_path / "elsewhere")
    second = made(moved, tmp_path / "b", count=3)
    assert len(first) == 24
    for one, other in zip(first, second, strict=True):
        paths = Path(one["image"]), Path(other["image"])
        assert paths[0].name == paths[1].name
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_nothing_to_copy_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no photos found"):
        list(make_copies(Source(tmp_path, iter(())), tmp_path / "c", CopySettings(), Report()))
    assert not (tmp_path / "c").exists()
