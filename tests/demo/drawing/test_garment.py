import numpy as np
import pytest

from tvcli.demo.drawing.collection import design_garment
from tvcli.demo.drawing.garment import (
    KINDS,
    LENGTHS,
    NECKLINES,
    SILHOUETTES,
    SLEEVES,
    Garment,
    design,
)  # fmt: skip
from tvcli.demo.drawing.measures import HEMS, side_seam
from tvcli.demo.drawing.neckline import BARE


@pytest.fixture(scope="module")
def garments() -> list[Garment]:
    return [design_garment(index) for index in range(300)]


@pytest.mark.parametrize(
    ("attribute", "book"),
    [
        ("silhouette", SILHOUETTES),
        ("length", LENGTHS),
        ("neckline", NECKLINES),
        ("sleeves", SLEEVES),
    ],
)
def test_every_choice_of_every_kind_turns_up(
    garments: list[Garment], attribute: str, book: dict[str, tuple[str, ...]]
) -> None:
    for kind in KINDS:
        seen = {g.attributes[attribute] for g in garments if g.kind == kind}
        assert seen == set(book[kind])


def test_patterns_and_colours_vary(garments: list[Garment]) -> None:
    patterns = [g.cloth.pattern for g in garments]
    for pattern in ("plain", "stripes", "squares", "dots", "flowers"):
        assert patterns.count(pattern) > 20
    assert len({g.colour for g in garments}) >= 15


def test_names_are_unique(garments: list[Garment]) -> None:
    assert len({g.name for g in garments}) == len(garments)


def test_a_dress_without_shoulders_has_no_sleeves(garments: list[Garment]) -> None:
    bare = [g for g in garments if g.neckline in BARE]
    assert bare
    assert all(g.sleeves == "sleeveless" for g in bare)


def test_accent_can_be_told_from_the_ground(garments: list[Garment]) -> None:
    for garment in garments:
        assert np.abs(garment.cloth.ground - garment.cloth.accent).max() > 0.2


def test_seams_end_at_the_hem() -> None:
    for index, kind in enumerate(KINDS[:-1]):
        garment = design(np.random.default_rng(index), kind, "x")
        seam = side_seam(garment)
        assert seam[-1, 0] == HEMS[kind][garment.length]
        assert (np.diff(seam[:, 0]) > 0).all()
        assert (seam[:, 1] > 0.04).all()
