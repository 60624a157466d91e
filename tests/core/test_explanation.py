"""What positions add to a similarity: against naive loops, and where an object was pasted."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tvcli.core.backbones.geometry import Geometry
from tvcli.core.encoding.encoder import Encoder, make_encoder
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import UsageError
from tvcli.core.images.photo import Photo
from tvcli.core.ranking.similarity import similarities
from tvcli.core.searching.contributions import (
    Space,
    class_activations,
    explain_pair,
)
from tvcli.core.searching.overlays import Panel, draw_rows, spread

Array = npt.NDArray[np.float32]


def maps(seed: int, shape: tuple[int, ...] = (6, 9, 8)) -> Array:
    """Return a map with zeros in it, as after a ReLU."""
    values = np.random.default_rng(seed).normal(size=shape).clip(0)
    return values.astype(np.float32)


def unit(vector: Array) -> Array:
    """Return a vector of unit length."""
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("pool", ["mean", "gem", "spatial"])
@pytest.mark.parametrize("head", [False, True])
def test_contributions_sum_to_the_similarity(pool: str, head: bool) -> None:
    a, b = maps(1), maps(2)
    pooled = pool_maps(np.stack([a, b]), pool)
    matrix = np.random.default_rng(3).normal(size=(5, pooled.shape[1])) if head else None
    vectors = pooled if matrix is None else pooled @ matrix.T
    expected = float(unit(vectors[0]) @ unit(vectors[1]))
    similarity, first, second = explain_pair(a, b, Space(pool, matrix))
    assert similarity == pytest.approx(expected, abs=1e-5)
    assert float(first.sum()) == pytest.approx(expected, abs=1e-4)
    assert float(second.sum()) == pytest.approx(expected, abs=1e-4)
    assert first.shape == ((7, 7) if pool == "spatial" else (9, 8))


def test_means_by_a_loop() -> None:
    """For the mean a position adds the dot product of its vector with the other's direction."""
    a, b = maps(1), maps(2)
    other = unit(b.mean(axis=(1, 2)))
    length = np.linalg.norm(a.mean(axis=(1, 2)))
    found = explain_pair(a, b, Space("mean"))[1]
    for y in range(9):
        for x in range(8):
            assert found[y, x] == pytest.approx(float(a[:, y, x] @ other) / length / 72, abs=1e-6)


def test_the_generalised_mean_by_its_gradient() -> None:
    """What a position adds is its values times the derivative of the similarity by them."""
    a, b = maps(1).astype(np.float64) + 0.1, maps(2).astype(np.float64) + 0.1
    other = unit(pool_maps(b[None], "gem")[0])
    length = np.linalg.norm(pool_maps(a[None], "gem")[0])
    found = explain_pair(a.astype(np.float32), b.astype(np.float32), Space("gem"))[1]
    for y, x in [(0, 0), (3, 5), (8, 7)]:
        expected = 0.0
        for channel in range(6):
            step = np.zeros_like(a)
            step[channel, y, x] = 1e-5
            up, down = (pool_maps((a + sign * step)[None], "gem")[0] @ other for sign in (1, -1))
            expected += a[channel, y, x] * (up - down) / 2e-5 / length
        assert found[y, x] == pytest.approx(expected, abs=1e-5)


def test_maps_position_by_position() -> None:
    """Of maps a position adds its cosine over the number of positions, before a PCA or without."""
    a, b = maps(1) + 0.01, maps(2) + 0.01
    similarity, first, second = explain_pair(a, b, Space("map", unit=False))
    assert similarity == pytest.approx(similarities(a[None], b[None]).item(), abs=1e-5)
    assert np.array_equal(first, second)
    assert first[3, 4] == pytest.approx(float(unit(a[:, 3, 4]) @ unit(b[:, 3, 4])) / 72, abs=1e-6)
    axes = np.random.default_rng(0).normal(size=(10, 6 * 72)).astype(np.float32)
    similarity, first, second = explain_pair(a, b, Space("map", axes))
    assert float(first.sum()) == pytest.approx(similarity, abs=1e-4)
    assert float(second.sum()) == pytest.approx(similarity, abs=1e-4)


def test_vectors_have_no_positions() -> None:
    with pytest.raises(UsageError, match="have no positions"):
        explain_pair(maps(1)[:, 0, 0], maps(2)[:, 0, 0], Space("mean"))


def test_class_activations_average_to_the_score() -> None:
    weights = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    found = class_activations(maps(1), weights)  # (4, 9, 8)
    assert np.allclose(found.mean(axis=(1, 2)), weights @ maps(1).mean(axis=(1, 2)), atol=1e-5)
    assert found[2, 3, 4] == pytest.approx(float(weights[2] @ maps(1)[:, 3, 4]), abs=1e-5)


def test_heat_lies_where_positions_look() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[1, 2] = 1
    tiles = spread(heat, 64, None)
    assert np.unravel_index(tiles.argmax(), tiles.shape) in {(23, 39), (24, 39), (23, 40), (24, 40)}
    shifted = spread(heat, 64, Geometry(16, 0.5, 31))
    assert np.unravel_index(shifted.argmax(), shifted.shape) == (16, 32)
    assert shifted.sum(axis=1)[:1] == 0


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
def test_what_is_drawn(fit: str) -> None:
    """Hot in the right half, whatever the photo's shape; the photo itself is under it."""
    photo = Photo(Image.new("RGB", (90, 60), (120, 120, 120)), 90, 60)
    heat = np.zeros((4, 4), np.float32)
    heat[:, 2:] = 1
    panel = Panel(photo, photo.whole, fit, heat, None, 64)  # type: ignore[arg-type]
    drawn = np.asarray(draw_rows([("title", [panel, panel])])).astype(int)
    height = drawn.shape[0]
    inner = drawn[24 + 40 : 24 + 160, 8:328]  # the first panel's heat
    right, left = inner[:, 240:300].mean(), inner[:, 20:80].mean()
    assert right > left + 60
    assert np.allclose(drawn[height - 60, 100], 120, atol=2)


BLOB = 40  # pixels of the object


def textured(seed: int, side: int) -> npt.NDArray[np.uint8]:
    """Return a picture of coarse noise, another for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (side // 4, side // 4, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def pasted(place: tuple[int, int], seed: int, size: int) -> npt.NDArray[np.uint8]:
    """Return a smooth background with a striped object at a place (y, x)."""
    noise = np.random.default_rng(seed).integers(60, 200, (3, 3, 3), np.uint8)
    picture = Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)
    pixels = np.asarray(picture).copy()
    y, x = place
    pixels[y : y + BLOB, x : x + BLOB] = textured(7, BLOB)
    return pixels


def share_inside(heat: Array, place: tuple[int, int], encoder: Encoder) -> float:
    """Return how much hotter the object is than the rest, on average, in the picture."""
    size = encoder.settings.size
    square = spread(heat, size, encoder.backbone.geometry)
    inside = np.zeros((size, size), bool)
    inside[place[0] : place[0] + BLOB, place[1] : place[1] + BLOB] = True
    return float(square[inside].mean() / square[~inside].mean())


def test_a_pasted_object_lights_up() -> None:
    encoder = make_encoder("mini", runtime="torch", device="cpu")
    size = encoder.settings.size
    there, elsewhere = (20, 24), (size - 60, size - 64)
    for seed in (1, 3, 5):
        a, b = encoder.encode([pasted(there, seed, size), pasted(elsewhere, seed + 1, size)])
        _, first, second = explain_pair(a, b, Space("mean"))
        for heat, shown, other in ((first, there, elsewhere), (second, elsewhere, there)):
            hotter = share_inside(heat, shown, encoder)
            assert hotter > 1.2
            assert hotter > 1.2 * share_inside(heat, other, encoder)


def test_a_pasted_object_lights_up_by_squeezenet(squeezenet_weights: Path) -> None:
    encoder = make_encoder(
        "squeezenet1_1", weights=squeezenet_weights, runtime="torch", device="cpu"
    )
    size = encoder.settings.size
    there, elsewhere = (30, 30), (size - 80, size - 84)
    a, b = encoder.encode([pasted(there, 1, size), pasted(elsewhere, 2, size)])
    _, first, second = explain_pair(a, b, Space("gem"))
    assert share_inside(first, there, encoder) > 1.5
    assert share_inside(second, elsewhere, encoder) > 1.5
