"""What `tv dedupe` proposes never loses a part of a picture, nor the larger picture of two."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, drawn
from PIL import Image

Tv = Callable[..., Ran]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def proposed(tv: Tv, *options: str) -> dict[str, tuple[int, str, str]]:
    """Return the group, the action and the reason of each photo in a group, by its name."""
    ran = tv("dedupe", "photos", *options)
    assert ran.status == 0, ran.err
    return {
        Path(member["image"]).stem: (group["group"], member["action"], member["reason"])
        for group in map(json.loads, ran.out.splitlines())
        for member in group["members"]
    }


def textured(seed: int, width: int, height: int) -> Image.Image:
    """Return shapes before a ground that is nowhere of one colour, so that none of it is border."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (height // 20, width // 20, 3), np.uint8)
    picture = Image.fromarray(ground).resize((width, height), Image.Resampling.BICUBIC)
    picture.paste(drawn(seed, width // 2, height // 2), (width // 4, height // 4))
    return picture


def screenshot(picture: Image.Image) -> Image.Image:
    """Return a larger picture that shows another at two thirds of its size, over other things."""
    small = picture.resize((picture.width * 2 // 3, picture.height * 2 // 3))
    shot = textured(9, 320, 480)
    shot.paste(small, (30, 120))
    return shot


def test_a_screenshot_with_more_pixels_does_not_replace_the_picture(tv: Tv, photos: Path) -> None:
    picture = textured(0, 320, 240)
    picture.save(photos / "picture.png")
    picture.save(photos / "again.jpg", quality=90)
    screenshot(picture).save(photos / "shot.png")
    screenshot(picture).save(photos / "shot-again.jpg", quality=90)
    found = proposed(tv)
    assert {name: action for name, (_, action, _) in found.items()} == {
        "picture": "keep",
        "again": "drop",
        "shot": "keep",
        "shot-again": "drop",
    }
    assert {group for group, _, _ in found.values()} == {1}
    assert found["picture"][2] == "what has more pixels shows it at 67% of its size"
    assert found["shot"][2].startswith("the first of the group shows ")


def test_two_pictures_beside_each_other_replace_neither(tv: Tv, photos: Path) -> None:
    left, right = textured(1, 240, 240), textured(2, 240, 240)
    both = Image.new("RGB", (400, 200))
    both.paste(left.resize((200, 200)), (0, 0))
    both.paste(right.resize((200, 200)), (200, 0))
    for name, image in (("left", left), ("right", right), ("both", both)):
        image.save(photos / f"{name}.png")
    assert "drop" not in {action for _, action, _ in proposed(tv).values()}


@pytest.mark.parametrize("others", [("left", "right"), ("left",)])
def test_two_pictures_beside_each_other_as_large_as_they_are_replace_neither(
    tv: Tv, photos: Path, others: tuple[str, ...]
) -> None:
    pictures = {"left": textured(3, 240, 240), "right": textured(4, 240, 240)}
    both = Image.new("RGB", (480, 240))
    both.paste(pictures["left"], (0, 0))
    both.paste(pictures["right"], (240, 0))
    both.save(photos / "both.png")
    for name in others:
        pictures[name].save(photos / f"{name}.png")
    found = proposed(tv)
    assert {action for _, action, _ in found.values()} == {"keep"}
    (shown,) = found.keys() - {"both"}  # the collage is in a group with one of the two only
    assert found[shown][2] == "what has more pixels shows it beside other things"


def test_a_collage_that_another_shows_in_part_gathers_nothing(tv: Tv, photos: Path) -> None:
    left, middle = textured(11, 240, 240), textured(12, 240, 240)
    right = textured(13, 180, 240)
    for name, one, other in (("larger", left, middle), ("smaller", middle, right)):
        both = Image.new("RGB", (one.width + other.width, 240))
        both.paste(one, (0, 0))
        both.paste(other, (one.width, 0))
        both.save(photos / f"{name}.png")
    left.save(photos / "left.png")
    right.save(photos / "right.png")
    found = proposed(tv)
    assert {action for _, action, _ in found.values()} == {"keep"}
    groups = {name: group for name, (group, _, _) in found.items()}
    assert groups["left"] == groups["larger"] != groups["smaller"] == groups["right"]


def test_a_crop_of_a_photo_is_dropped_for_it(tv: Tv, photos: Path) -> None:
    whole = textured(3, 480, 360)
    whole.save(photos / "whole.png")
    whole.crop((60, 40, 380, 280)).save(photos / "part.png")
    assert {name: action for name, (_, action, _) in proposed(tv).items()} == {
        "whole": "keep",
        "part": "drop",
    }


def test_a_crop_that_was_enlarged_does_not_replace_the_whole(tv: Tv, photos: Path) -> None:
    whole = textured(3, 320, 240)
    whole.save(photos / "whole.png")
    whole.crop((0, 0, 200, 200)).resize((400, 400)).save(photos / "part.png")
    assert {action for _, action, _ in proposed(tv).values()} == {"keep"}


def test_a_folder_that_a_person_prefers_decides_all_the_same(tv: Tv, photos: Path) -> None:
    (photos / "mine").mkdir()
    whole = textured(4, 480, 360)
    whole.save(photos / "large.png")
    whole.resize((320, 240)).save(photos / "mine" / "small.png")
    assert {name: action for name, (_, action, _) in proposed(tv).items()} == {
        "large": "keep",
        "small": "drop",
    }
    preferred = proposed(tv, "--prefer", str(photos / "mine"))
    assert {name: action for name, (_, action, _) in preferred.items()} == {
        "large": "drop",
        "small": "keep",
    }
