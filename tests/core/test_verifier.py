"""What learns to tell the object from what is taken for it, on maps with known answers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from tvcli.core.backbones.mini_files import FOLDER
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.heads import HeadFile
from tvcli.core.location.distractors import distractors_of
from tvcli.core.location.look_cells import GRID, Looks, kernel_of
from tvcli.core.location.verifier import Verifier, verified_probability, verifier_of
from tvcli.core.location.verifier_training import (
    _calibration,
    _fitted,
    _photo_scores,
    _weighed,
    train_verifier,
)

CHANNELS, SIDE = 3, 7


def looks(apart: float, photos: int = 12, each: int = 6) -> Looks:
    """Return looks at as many photos with the object as without it, `apart` in one channel."""
    rng = np.random.default_rng(0)
    number = np.repeat(np.arange(2 * photos), each)
    shown = number < photos
    cells = rng.normal(0, 1, (len(number), CHANNELS, GRID, GRID)).astype(np.float32)
    cells[shown, 1] += apart
    return Looks(torch.from_numpy(cells), shown, number, (SIDE, SIDE))


def test_a_kernel_on_a_map_is_the_weights_on_the_means_of_its_cells() -> None:
    torch.manual_seed(0)
    weights, maps = torch.randn(CHANNELS, GRID, GRID), torch.randn(5, CHANNELS, SIDE, SIDE)
    kernel = torch.from_numpy(kernel_of(weights, (SIDE, SIDE)))
    expected = (F.adaptive_avg_pool2d(maps, GRID) * weights).sum((1, 2, 3))
    torch.testing.assert_close((maps * kernel).sum((1, 2, 3)), expected, rtol=1e-4, atol=1e-5)


def test_what_differs_is_told_apart_on_photos_that_were_not_seen() -> None:
    shown, others, distractors = _photo_scores(looks(1.5))
    assert (len(shown), len(others), len(distractors)) == (12, 12, 0)
    assert shown.min() > others.max()
    shown, others, _ = _photo_scores(looks(0.0))
    assert shown.mean() < others.mean()  # nothing to learn: the others' hardest looks lie above
    assert abs(shown.mean()) < 0.5


def distracted() -> Looks:
    """Return looks that one channel tells from the others, and another one from distractors."""
    cells = np.random.default_rng(1).normal(0, 1, (40, CHANNELS, GRID, GRID)).astype(np.float32)
    cells[:, 1:] += 1.5
    return looks(1.5).beside(torch.from_numpy(cells))


def test_distractors_are_told_apart_beside_the_other_photos() -> None:
    known = distracted()
    assert known.shipped.sum() == len(set(known.photos[known.shipped])) == 40
    found = train_verifier(known)
    assert found is not None
    assert (found[1].photos, found[1].others, found[1].distractors) == (12, 12, 40)
    assert found[1].false == found[1].taken == 0
    without = train_verifier(looks(1.5))
    assert without is not None
    known_by, known_without = (verifier.kernel.mean((1, 2)) for verifier, _ in (found, without))
    assert known_by[2] < -0.3 * known_by[1] < 0
    assert abs(known_without[2]) < 0.1 * known_without[1]


def test_distractors_and_other_photos_weigh_alike_however_many_they_are() -> None:
    known = distracted()
    shown, weigh = _weighed(known, np.ones(len(known.shown), bool))
    kinds = [
        np.tile(kind, 2) for kind in (known.shown, ~known.shown & ~known.shipped, known.shipped)
    ]
    assert shown.numpy().astype(bool).tolist() == kinds[0].tolist()
    sums = [float(weigh[torch.from_numpy(kind)].sum()) for kind in kinds]
    assert sums == pytest.approx([0.5, 0.25, 0.25])


def test_distractors_alone_teach_to_verify() -> None:
    known = looks(1.5)
    own = Looks(known.cells[:72], known.shown[:72], known.photos[:72], known.window)
    assert train_verifier(own) is None
    cells = np.random.default_rng(1).normal(0, 1, (40, CHANNELS, GRID, GRID)).astype(np.float32)
    found = train_verifier(own.beside(torch.from_numpy(cells)))
    assert found is not None
    assert (found[1].others, found[1].false, found[1].taken) == (0, 0, 0)


def test_distractors_ship_for_mini_at_its_own_size_only() -> None:
    spec = make_encoder("mini").spec
    cells = distractors_of(spec)
    assert cells is not None
    assert cells.shape == (500, 256, GRID, GRID)
    assert torch.isfinite(cells).all()
    assert cells.std(0).min() > 0  # no channel and no place is dead
    assert distractors_of(spec | {"size": 224}) is None
    assert distractors_of(make_encoder("mini-1").spec) is None


def test_a_look_and_its_mirror_image_weigh_alike() -> None:
    known = looks(0.7)
    weights, _ = _fitted(known, np.ones(len(known.shown), bool))
    torch.testing.assert_close(weights, weights.flip(2), rtol=1e-2, atol=1e-3)


def test_the_calibration_gives_the_probabilities_that_scores_were_drawn_with() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(-4, 4, 8000)
    truth = rng.uniform(size=8000) < 1 / (1 + np.exp(-(1.5 * scores + 0.0)))
    slope, offset = _calibration(scores[truth], scores[~truth])
    assert slope == pytest.approx(1.5, abs=0.1)
    assert offset == pytest.approx(0, abs=0.1)


def test_the_probability_is_that_of_the_mean_log_odds() -> None:
    assert verified_probability(np.array([1.0, -1.0])) == pytest.approx(0.5)
    assert verified_probability(np.array([2.0, 4.0])) == pytest.approx(1 / (1 + np.exp(-3)))
    assert verified_probability(np.array([1e9])) == pytest.approx(1)


def head(**changes: object) -> HeadFile:
    kernel = np.zeros((CHANNELS, SIDE, SIDE), np.float32)
    state = Verifier(kernel, 0.5, 0.9).state | {"reduction.axes": np.zeros((2, CHANNELS))}
    settings = {"window": [SIDE, SIDE], "verifier": {"threshold": 0.9}}
    return HeadFile("classifier", {**state, **changes.pop("state", {})}, settings | changes)  # type: ignore[dict-item]


def test_a_verifier_is_read_from_its_head_and_an_older_head_has_none() -> None:
    found = verifier_of(head())
    assert found is not None
    assert (found.bias, found.threshold) == (0.5, 0.9)
    older = head()
    del older.settings["verifier"]
    assert verifier_of(older) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"state": {"verifier.kernel": np.zeros((CHANNELS, SIDE, SIDE + 1))}},
        {"state": {"verifier.kernel": np.full((CHANNELS, SIDE, SIDE), np.nan)}},
        {"state": {"verifier.bias": np.zeros(2)}},
        {"verifier": {"threshold": 1.5}},
        {"verifier": {"threshold": "high"}},
    ],
    ids=["shape", "nan", "bias", "threshold", "text"],
)
def test_a_damaged_verifier_is_refused(changes: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        verifier_of(head(**changes))


def test_a_file_that_ships_and_is_damaged_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "mini-2-distractors.safetensors"
    (tmp_path / name).write_bytes((FOLDER / name).read_bytes()[:10_000])
    monkeypatch.setattr("tvcli.core.location.distractors.FOLDER", tmp_path)
    with pytest.raises(BadInput, match=rf"{name}: damaged .*: install tvcli again"):
        distractors_of({})


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"encoder": "{"}, {"encoder": "[]"}, {"encoder": "{}"}, {"encoder": '{"fit": 1}'}],
)
def test_distractors_whose_file_says_something_else_are_named(
    metadata: dict[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "mini-2-distractors.safetensors"
    spec = make_encoder("mini").spec
    save_file(load_file(FOLDER / name), tmp_path / name, metadata)
    monkeypatch.setattr("tvcli.core.location.distractors.FOLDER", tmp_path)
    with pytest.raises(Mismatch, match=f"{name}: not what ships with tv: install tvcli again"):
        distractors_of(spec)


@pytest.mark.parametrize("wrong", [{"cells": (2, 256, 3, 3)}, {"scales": (9, 1, 1)}, {"cells": ()}])
def test_distractors_of_another_shape_are_named(
    wrong: dict[str, tuple[int, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "mini-2-distractors.safetensors"
    spec = make_encoder("mini").spec
    shapes = {"cells": (2, 256, 4, 4), "scales": (256, 1, 1)} | wrong
    tensors = {key: torch.ones(shape) for key, shape in shapes.items()}
    save_file(tensors, tmp_path / name, {"encoder": json.dumps(spec)})
    monkeypatch.setattr("tvcli.core.location.distractors.FOLDER", tmp_path)
    with pytest.raises(Mismatch, match="not what ships"):
        distractors_of(spec)
