import subprocess
import sys

import pytest
import torch
from torch import nn

from tvcli.core.backbones.mini import CHANNELS, WEIGHTS, Mini, load


@pytest.fixture(scope="module")
def mini() -> Mini:
    return load()[0]


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (160, 160), (97, 224)])
def test_the_map_has_a_place_for_every_16_pixels(mini: Mini, height: int, width: int) -> None:
    with torch.inference_mode():
        dense = mini(torch.zeros(2, 3, height, width))
    assert dense.shape == (2, CHANNELS, -(-height // 16), -(-width // 16))
    assert dense.dtype == torch.float32
    assert dense.isfinite().all()


def test_the_same_photo_gives_the_same_map(mini: Mini) -> None:
    x = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(mini(x), load()[0](x))


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


def test_it_is_small(mini: Mini) -> None:
    assert sum(p.numel() for p in mini.parameters()) <= 3_000_000
    assert WEIGHTS.stat().st_size <= 6_000_000


def test_it_runs_in_eval_mode_without_batch_norm(mini: Mini) -> None:
    assert not mini.training
    assert not any(isinstance(m, nn.BatchNorm2d) for m in mini.modules())


def test_the_file_says_how_to_feed_it() -> None:
    about = load()[1]
    assert about["name"] == "mini"
    assert about["version"] >= 1
    assert about["channels"] == CHANNELS
    assert about["stride"] == 16
    assert 96 <= about["size"] <= 224
    assert len(about["mean"]) == len(about["std"]) == 3


def test_it_loads_without_torchvision() -> None:
    load = "import sys, tvcli.core.backbones.mini as m; m.load()"
    code = f"{load}; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
