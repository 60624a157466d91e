from typing import Any

import numpy as np
import pytest
import torch

from tvcli.core.encoding.encoder import encoder_of, make_encoder
from tvcli.core.encoding.pooling import GRID, POOLINGS, checked_pooling, pool_maps
from tvcli.core.errors import Mismatch, UsageError

MAPS = torch.rand(3, 5, 8, 6, generator=torch.Generator().manual_seed(0)) - 0.3  # (N, C, H, W)


def test_mean() -> None:
    expected = [[np.mean(channel) for channel in photo] for photo in MAPS.numpy()]
    assert np.allclose(pool_maps(MAPS, "mean"), expected, atol=1e-6)


def test_gem() -> None:
    positive = np.maximum(MAPS.numpy(), 1e-6).astype(np.float64)
    expected = (positive**3).mean(axis=(2, 3)) ** (1 / 3)
    assert np.allclose(pool_maps(MAPS, "gem"), expected, atol=1e-5)


def test_spatial_is_the_mean_cosine_over_positions() -> None:
    maps = MAPS[:, :, :7, :6].repeat(1, 1, 1, 2)[:, :, :, :7]  # (3, 5, 7, 7): the grid itself
    vectors = pool_maps(maps, "spatial").numpy()
    cosines = [
        np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
        for y in range(GRID)
        for x in range(GRID)
        for a, b in [(maps[0, :, y, x].numpy(), maps[1, :, y, x].numpy())]
    ]
    assert np.dot(vectors[0], vectors[1]) == pytest.approx(np.mean(cosines), abs=1e-6)
    assert np.linalg.norm(vectors[2]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("first", ["mean", "crelu"])
@pytest.mark.parametrize("maps", [MAPS, MAPS.numpy()], ids=["torch", "numpy"])
def test_another_and_gem_side_by_side(maps: Any, first: str) -> None:
    vectors = np.asarray(pool_maps(maps, f"{first}+gem"))
    for name, half in ((first, vectors[:, :-5]), ("gem", vectors[:, -5:])):
        expected = np.asarray(pool_maps(maps, name))
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
        assert np.allclose(half, expected, atol=1e-6)


@pytest.mark.parametrize("maps", [MAPS, MAPS.numpy()], ids=["torch", "numpy"])
def test_crelu_is_the_means_of_what_is_above_zero_and_below(maps: Any) -> None:
    vectors = np.asarray(pool_maps(maps, "crelu"))
    for photo, vector in zip(np.asarray(maps), vectors, strict=True):
        above = [np.mean([max(value, 0) for value in channel.flat]) for channel in photo]
        below = [np.mean([max(-value, 0) for value in channel.flat]) for channel in photo]
        assert np.allclose(vector, above + below, atol=1e-6)
    halves = vectors[:, :5] - vectors[:, 5:]
    assert np.allclose(halves, np.asarray(pool_maps(maps, "mean")), atol=1e-6)


@pytest.mark.parametrize("name", ["mean+gem", "crelu", "crelu+gem"])
def test_what_positions_contribute_to_parts_side_by_side_adds_up(name: str) -> None:
    pooling, one = POOLINGS[name], MAPS[0].numpy()
    vector = pooling.vectors(one[None])[0]
    direction = np.random.default_rng(0).normal(size=len(vector)).astype(np.float32)
    found = pooling.contributions(one, vector, direction)
    assert found.shape == (8, 6)
    assert found.sum() == pytest.approx(vector @ direction, abs=1e-5)


def test_none_leaves_maps() -> None:
    assert pool_maps(MAPS, "none") is MAPS


@pytest.mark.parametrize("name", ["Mean", "map", "auto", "", "max"])
def test_a_pooling_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(Mismatch, match="does not know"):
        pool_maps(MAPS, name)
    with pytest.raises(UsageError, match="mean, gem, spatial"):
        checked_pooling(name)
    recorded = make_encoder("mini").spec | {"pool": name}
    with pytest.raises(Mismatch, match="does not know"):
        encoder_of(recorded, None)


def test_heads_of_channels_go_without_a_grid() -> None:
    assert checked_pooling("spatial") == "spatial"
    with pytest.raises(UsageError, match="one of auto, mean, gem"):
        checked_pooling("spatial", "auto", heads=True)
