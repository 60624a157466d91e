import subprocess
import sys

import pytest
import torch
from torch import nn

from tvcli.core.backbones.catalogue import GENERATIONS
from tvcli.core.backbones.mini import Mini, load, sizes
from tvcli.core.backbones.mini_files import current, generation_of, mini_spec, weights_of
from tvcli.core.encoding.pooling import pooling_names

LARGEST = {"mini-1": (3_000_000, 6_000_000)}  # parameters, bytes; of later ones 4 and 8 million


@pytest.fixture(params=GENERATIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def mini(name: str) -> Mini:
    return load(weights_of(name))[0]


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (160, 160), (97, 224)])
def test_the_map_has_a_place_for_every_16_pixels(
    mini: Mini, name: str, height: int, width: int
) -> None:
    with torch.inference_mode():
        dense = mini(torch.zeros(2, 3, height, width))
    assert dense.shape == (
        2,
        load(weights_of(name))[1]["channels"],
        -(-height // 16),
        -(-width // 16),
    )
    assert dense.dtype == torch.float32
    assert dense.isfinite().all()


def test_the_same_photo_gives_the_same_map(mini: Mini, name: str) -> None:
    x = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(mini(x), load(weights_of(name))[0](x))


def test_a_photo_is_encoded_alike_alone_and_in_a_batch(mini: Mini) -> None:
    x = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(mini(x)[1:2], mini(x[1:2]), rtol=1e-4, atol=1e-4)


def test_a_place_sees_only_what_is_near_it(mini: Mini) -> None:
    x = torch.zeros(1, 3, 640, 64)
    y = x.clone()
    y[:, :, :32] = 1
    with torch.inference_mode():
        far = (mini(x) - mini(y)).abs().amax((0, 1, 3))
    assert far[0] > 0
    assert torch.all(far[-10:] == 0)


def test_a_brighter_photo_is_nearer_than_another_one(mini: Mini) -> None:
    ramp = torch.linspace(-1, 1, 128).expand(1, 3, 128, 128)
    checks = (ramp.mT * 20).sign() * (ramp * 20).sign()
    with torch.inference_mode():
        vectors = [mini(x).mean((2, 3)) for x in (ramp, ramp + 0.1, checks)]
    same, other = (nn.functional.cosine_similarity(vectors[0], v) for v in vectors[1:])
    assert same > other


def test_it_is_small(mini: Mini, name: str) -> None:
    parameters, size = LARGEST.get(name, (4_000_000, 8_000_000))
    assert sum(p.numel() for p in mini.parameters()) <= parameters
    assert weights_of(name).stat().st_size <= size


def test_it_runs_in_eval_mode_without_batch_norm(mini: Mini) -> None:
    assert not mini.training
    assert not any(isinstance(m, nn.BatchNorm2d) for m in mini.modules())


def test_the_file_says_how_to_feed_it(name: str) -> None:
    model, about = load(weights_of(name))
    assert about["name"] == "mini"
    assert f"mini-{about['version']}" == name
    assert about["channels"] == sizes(model.state_dict())[2]
    assert about["stride"] == 16
    assert mini_spec(name).pool in pooling_names()
    assert 96 <= about["size"] <= 224
    assert len(about["mean"]) == len(about["std"]) == 3


def test_it_loads_without_torchvision() -> None:
    load = "import sys, tvcli.core.backbones.mini as m; m.load()"
    code = f"{load}; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_mini_is_the_current_generation() -> None:
    assert current() in GENERATIONS
    assert mini_spec() == mini_spec(current())
    assert [generation_of(mini_spec(name).weights) for name in GENERATIONS] == list(GENERATIONS)
    assert generation_of("0" * 64) is None


def test_the_first_generation_never_changes() -> None:
    spec = mini_spec("mini-1")
    assert spec.weights == "bd25039c6ec50d3268dd167e31436fd4be9ed667e6894dcc80f9accf140a5341"
    assert (spec.name, spec.size, spec.pool) == ("mini", 168, "mean")


def test_the_sizes_of_the_layers_are_those_of_the_weights() -> None:
    model = Mini(channels=384, stem=24, stages=((48, 0), (96, 3), (320, 1)))
    assert sizes(model.state_dict()) == (24, [(48, 0), (96, 3), (320, 1)], 384)
    assert sizes(load(weights_of("mini-1"))[0].state_dict()) == (
        32,
        [(32, 1), (64, 2), (256, 2)],
        256,
    )
