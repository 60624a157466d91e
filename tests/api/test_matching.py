"""The same picture, and duplicates, from Python."""

from pathlib import Path

import numpy as np
import pytest
from conftest import drawn
from PIL import Image

import tvcli


@pytest.mark.parametrize("way", ["scaled", "turned", "mirrored", "cropped", "inside"])
def test_changed_copies_are_the_same_picture(way: str) -> None:
    picture = drawn(3)
    canvas = Image.new("RGB", (640, 480), "grey")
    canvas.paste(picture, (100, 60))
    changed = {
        "scaled": lambda: picture.resize((480, 360)),
        "turned": lambda: picture.rotate(90, expand=True),
        "mirrored": lambda: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "cropped": lambda: picture.crop((40, 20, 300, 220)),
        "inside": lambda: canvas,
    }[way]()
    for first, second in ((picture, changed), (changed, picture)):
        found = tvcli.same_picture(first, second)
        assert found and found.same and found.transform is not None
        assert found.mirrored == (way == "mirrored")


def test_the_transform_maps_pixels_of_the_first_to_the_second() -> None:
    picture = drawn(4)
    crop = picture.crop((40, 20, 300, 220)).resize((520, 400))
    expected = np.array([2.0 * (150 - 40), 2.0 * (100 - 20)])
    for first, second, point, wanted in (
        (picture, crop, (150, 100), expected),
        (crop, picture, expected, (150, 100)),
    ):
        mapped = np.array(tvcli.same_picture(first, second).transform) @ [*point, 1]
        assert np.allclose(mapped[:2] / mapped[2], wanted, atol=2)


def test_other_pictures_are_not_the_same() -> None:
    found = [tvcli.same_picture(drawn(a), drawn(b)) for a, b in ((1, 2), (5, 9), (7, 8))]
    assert not any(found)


def test_a_photo_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    drawn(1).save(tmp_path / "a.png")
    with pytest.raises(tvcli.BadInput, match=r"nowhere\.png: not found"):
        tvcli.same_picture(tmp_path / "a.png", tmp_path / "nowhere.png")


def test_duplicates_are_grouped_and_nothing_is_deleted(collection: Path, tmp_path: Path) -> None:
    photos = [collection / "photos" / f"{number}.png" for number in range(4)]
    copy = tmp_path / "copy.jpg"
    Image.open(photos[1]).resize((160, 120)).save(copy)
    groups = tvcli.find_duplicates([*photos, copy])
    assert len(groups) == 1
    (group,) = groups
    assert [Path(image).name for image in group.kept] == ["1.png"]
    assert [Path(image).name for image in groups.dropped] == ["copy.jpg"]
    assert copy.exists() and "times the size" in group[1].relation
    assert group._repr_html_().count("<img") == groups._repr_html_().count("<img") == 2
    protected = tvcli.find_duplicates([*photos, copy], protect=[tmp_path])
    assert [Path(i).name for i in protected[0].kept] == ["copy.jpg"]
    assert len(tvcli.find_duplicates(collection / "photos.tvx")) == 0
    for archive in (collection / "photos.tvx", photos[:3]):
        (found,) = tvcli.find_duplicates([copy, photos[3]], against=archive)[:1]
        assert [Path(image).name for image in found.kept] == ["1.png"]
        assert [Path(image).name for image in found.dropped] == ["copy.jpg"]
