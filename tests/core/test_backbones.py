import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from tvcli.core.backbones import torchvision_models
from tvcli.core.backbones.loading import find_device, load_backbone, read_weights, reload_backbone
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import BadInput, Mismatch, UsageError

PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 96, 64, 3), np.uint8))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give untrained weights of squeezenet1_1."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pth"
    torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), path)
    return path


def one_number(value: torch.Tensor, number: float) -> torch.Tensor:
    """Return a tensor like another, of one number: a file of it is small, however large it is."""
    return torch.tensor(number).to(value.dtype).expand(value.shape)


def few_numbers(value: torch.Tensor) -> torch.Tensor:
    """Return a tensor like another whose element i, j, … is the random number i + j + …."""
    numbers = torch.randn(sum(value.shape) - value.ndim + 1) / value[0].numel() ** 0.5
    return numbers.as_strided(value.shape, (1,) * value.ndim)


def test_maps_are_those_of_the_plain_model(weights: Path) -> None:
    model = torchvision.models.squeezenet1_1(weights=None).eval()
    model.load_state_dict(torch.load(weights, weights_only=True))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        expected = model.features(((PIXELS / 255 - mean) / std).permute(0, 3, 1, 2))
    found = load_backbone("squeezenet1_1", weights=weights).to("cpu")(PIXELS)
    assert found.shape == expected.shape == (2, 512, 5, 3)
    assert torch.allclose(found, expected, atol=1e-4)


def test_bf16_is_near_fp32(weights: Path) -> None:
    backbone = load_backbone("squeezenet1_1", weights=weights)
    exact, coarse = (backbone.to("cpu", p)(PIXELS).flatten(1) for p in ("fp32", "bf16"))
    assert torch.cosine_similarity(exact, coarse).min() > 0.999
    assert not torch.equal(exact, coarse)


def test_mini_brings_its_own_preprocessing() -> None:
    backbone = load_backbone("mini").to("cpu")
    assert backbone.spec.size >= 96
    assert backbone(PIXELS).shape[2:] == (6, 4)
    assert torch.equal(backbone(PIXELS), backbone(PIXELS))


def test_mini_needs_no_torchvision() -> None:
    code = (
        "import sys; from tvcli.core.backbones.loading import load_backbone; load_backbone();"
        "sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("alexnet", (256, 11, 11)),
        ("vgg11", (512, 13, 13)),
        ("resnet18", (512, 7, 7)),
        ("mobilenet_v2", (1280, 7, 7)),
        ("densenet121", (1024, 7, 7)),
        ("shufflenet_v2_x0_5", (1024, 7, 7)),
        ("regnet_y_400mf", (440, 7, 7)),
        ("googlenet", (1024, 7, 7)),
        ("vit_b_32", (768, 7, 7)),
    ],
)
def test_any_model_is_cut_where_its_maps_end(
    name: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    state = torchvision_models.build(name, None).state_dict()
    torch.save({key: one_number(value, 0.01) for key, value in state.items()}, tmp_path / "w")
    backbone = load_backbone(name, weights=tmp_path / "w").to("cpu")
    pixels = PIXELS[:1].repeat(1, 3, 4, 1)[:, :224, :224]
    assert backbone(pixels).shape == (1, *shape)


def test_a_named_layer() -> None:
    model = torchvision_models.build("vgg11", "fc2")
    for value in model.state_dict().values():
        value.fill_(0.001)
    part = torchvision_models.cut(model, "fc2")
    assert isinstance(list(part.classifier.children())[-1], torch.nn.ReLU)
    assert part(torch.rand(1, 3, 224, 224)).shape == (1, 4096)
    with pytest.raises(UsageError, match=r"no layer 'conv9'.*features, "):
        torchvision_models.cut(torchvision_models.build("vgg11", "conv9"), "conv9")


def test_fc2_of_vgg16_is_what_follows_its_relu(tmp_path: Path) -> None:
    """4,096 values, as Keras has it; `classifier.3` is the same before its ReLU."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model = torchvision.models.vgg16(weights=None).eval()
    state = {
        name: one_number(value, 0) if name.endswith("bias") else few_numbers(value)
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(state, assign=True)
    torch.save(state, tmp_path / "vgg16.pth")
    backbone = load_backbone("vgg16", layer="fc2", weights=tmp_path / "vgg16.pth").to("cpu")
    mean, std = torch.tensor(backbone.spec.mean), torch.tensor(backbone.spec.std)
    with torch.inference_mode():
        pictures = ((PIXELS / 255 - mean) / std).permute(0, 3, 1, 2)
        pooled = model.avgpool(model.features(pictures)).flatten(1)
        linear = model.classifier[:4](pooled)  # the ReLU works in place: kept apart
        expected = linear.relu()
        before = torchvision_models.cut(model, "classifier.3")(pictures)
    found = backbone(PIXELS)
    assert found.shape == (2, 4096)
    assert float(expected.max()) > 0
    assert float(linear.min()) < 0
    assert torch.allclose(found, expected, atol=1e-4 * float(expected.max()))
    assert torch.allclose(before, linear, atol=1e-4 * float(expected.max()))


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("squeezenet1_1", "features.10", (384, 5, 3)),
        ("resnet18", "layer3.1.conv2", (256, 6, 4)),
        ("resnet18", "layer3", (256, 6, 4)),
        ("vgg11", "features.10", (256, 12, 8)),
        ("alexnet", "classifier.1", (4096,)),
        ("swin_t", "features.3", (192, 12, 8)),
    ],
)
def test_any_layer_by_its_name(name: str, layer: str, shape: tuple[int, ...]) -> None:
    model = torchvision_models.build(name, layer)
    for value in model.state_dict().values():
        value.fill_(0.01)
    found: list[torch.Tensor] = []
    model.get_submodule(layer).register_forward_hook(lambda *given: found.append(given[2].clone()))
    pictures = torch.rand(1, 3, 96, 64)
    with torch.inference_mode():
        model(pictures)
        expected = found[0].permute(0, 3, 1, 2) if name == "swin_t" else found[0]
        part = torchvision_models.cut(model, layer)
        assert part(pictures).shape == (1, *shape)
        assert torch.allclose(part(pictures), expected)


def test_layers_that_are_none() -> None:
    model = torchvision_models.build("resnet18", "x")
    with pytest.raises(UsageError, match=r"did you mean .*layer3\.1\.conv2"):
        torchvision_models.cut(model, "layer3.1.conv3")
    with pytest.raises(UsageError, match=r"did you mean .*classifier"):
        torchvision_models.cut(torchvision_models.build("vgg11", "x"), "clasifier")
    with pytest.raises(UsageError, match=r"it has conv1, .*layer1"):
        torchvision_models.cut(model, "zzz")


def test_class_activation_pooling_is_mean() -> None:
    """VGG16 as for class activation maps: 14 x 14 after the last convolution, then averaged."""
    model = torchvision_models.build("vgg11", "features.19")
    for value in model.state_dict().values():
        value.fill_(0.01)
    pictures = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        maps = torchvision_models.cut(model, "features.19")(pictures)
        expected = torch.nn.functional.adaptive_avg_pool2d(model.features[:20](pictures), 1)
    assert maps.shape == (2, 512, 6, 6)
    assert torch.allclose(pool_maps(maps, "mean"), expected.flatten(1))


def test_safetensors_and_torch_files_read_the_same(weights: Path, tmp_path: Path) -> None:
    state = read_weights(weights)
    save_file(state, tmp_path / "w.safetensors")
    again = read_weights(tmp_path / "w.safetensors")
    assert state.keys() == again.keys()
    assert all(torch.equal(state[key], again[key]) for key in state)


class Evil:
    """What would run if a file of weights were unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path("/tmp/tv-was-here").touch, ()


def test_weights_that_carry_code_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"a": Evil()}, path)
    with pytest.raises(BadInput, match="not weights that load safely"):
        read_weights(path)
    assert not Path("/tmp/tv-was-here").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x80\x02broken", b"\0" * 64])
def test_what_is_no_weights_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not weights"):
        read_weights(path)


def test_weights_of_another_network(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(Mismatch, match="not the weights of alexnet"):
        load_backbone("alexnet", weights=weights)
    torch.save({"a": 3}, tmp_path / "w")
    with pytest.raises(BadInput, match="not a state dict"):
        load_backbone("alexnet", weights=tmp_path / "w")
    with pytest.raises(BadInput, match="no such file"):
        load_backbone("alexnet", weights=tmp_path / "missing")


def test_an_artifact_finds_its_weights_again(weights: Path, tmp_path: Path) -> None:
    spec = load_backbone("squeezenet1_1", weights=weights).spec.as_settings()
    assert reload_backbone(spec, None, str(weights)).spec.as_settings() == spec
    with pytest.raises(BadInput, match="are gone; name them with --weights"):
        reload_backbone(spec, None, str(tmp_path / "moved.pth"))
    state = {key: value + 1 for key, value in read_weights(weights).items()}
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(Mismatch, match="not those the artifact was made with"):
        reload_backbone(spec, tmp_path / "other.pth", str(weights))


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    with pytest.raises(BadInput, match=r"alexnet.*No route.*--weights FILE.*--backbone mini"):
        load_backbone("alexnet")


def refuse(*_: object, **__: object) -> None:
    raise OSError(113, "No route to host")


def test_names_that_are_none() -> None:
    with pytest.raises(UsageError, match="no backbone 'alexnett'"):
        load_backbone("alexnett")
    with pytest.raises(UsageError, match="one map only"):
        load_backbone("mini", layer="x")
    with pytest.raises(UsageError, match="this machine has none"):
        find_device("mps")
