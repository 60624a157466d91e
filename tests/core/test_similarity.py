"""The similarity against a double loop; float32 tolerance 1e-5, float16 inputs 1e-3."""

import math

import pytest
import torch
from torch import Tensor

from tvcli.core.errors import Mismatch
from tvcli.core.ranking.similarity import similarities


def naive(a: Tensor, b: Tensor) -> float:
    """Mean over positions of the cosine, one position after the other."""
    _, height, width = a.shape
    total = 0.0
    for y in range(height):
        for x in range(width):
            u, v = a[:, y, x].double(), b[:, y, x].double()
            lengths = math.sqrt(float(u @ u)) * math.sqrt(float(v @ v))
            total += float(u @ v) / lengths if lengths else 0.0
    return total / (height * width)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float16, 1e-3)])
@pytest.mark.parametrize("shape", [(8, 3, 5), (4, 1, 1), (1, 2, 2)])
def test_it_is_the_mean_cosine_over_positions(
    shape: tuple[int, int, int], dtype: torch.dtype, tolerance: float
) -> None:
    generator = torch.Generator().manual_seed(3)
    a = torch.randn(3, *shape, generator=generator).to(dtype)
    b = torch.randn(2, *shape, generator=generator).to(dtype)
    expected = torch.tensor([[naive(x, y) for y in b] for x in a])
    assert torch.allclose(similarities(a, b), expected, atol=tolerance)


def test_an_encoding_is_wholly_similar_to_itself_and_scale_does_not_matter() -> None:
    a = torch.randn(4, 6, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(similarities(a, 7 * a).diagonal(), torch.ones(4), atol=1e-6)
    assert torch.allclose(similarities(a, -a).diagonal(), -torch.ones(4), atol=1e-6)


def test_vectors_count_as_maps_of_one_position() -> None:
    a = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(similarities(a, a), similarities(a[:, :, None, None], a[..., None, None]))


def test_a_dead_position_is_similar_to_nothing() -> None:
    a = torch.ones(1, 2, 1, 2)
    a[..., 0] = 0
    assert float(similarities(a, torch.ones(1, 2, 1, 2))[0, 0]) == pytest.approx(0.5)


def test_maps_of_other_sizes_do_not_compare() -> None:
    with pytest.raises(Mismatch, match="do not compare"):
        similarities(torch.ones(1, 2, 3, 3), torch.ones(1, 2, 4, 4))
