"""timm's models with random weights: what they give must be what timm itself computes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from tvcli.core.backbones import torchvision_models
from tvcli.core.backbones.geometry import Geometry
from tvcli.core.backbones.loading import Backbone, load_backbone
from tvcli.core.backbones.receptive_field import measure
from tvcli.core.errors import BadInput, Mismatch, UsageError

timm = pytest.importorskip("timm", reason="the timm extra is not installed")

PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8))
DINO = "vit_small_patch14_dinov2.lvd142m"
REGISTERS = "vit_small_patch14_reg4_dinov2"
SWIN = "swin_tiny_patch4_window7_224"
SHALLOW = {DINO: {"depth": 2}, REGISTERS: {"depth": 2}, SWIN: {"depths": (1, 1, 1, 1)}}


@pytest.fixture(autouse=True)
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make large transformers of fewer blocks: what lies around these is what is checked."""
    create = timm.create_model

    def create_shallow(name: str, **options: object) -> torch.nn.Module:
        model: torch.nn.Module = create(name, **(SHALLOW.get(name, {}) | options))
        return model

    monkeypatch.setattr(timm, "create_model", create_shallow)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for weights."""
    return tmp_path_factory.mktemp("timm")


def untrained(folder: Path, name: str) -> Path:
    """Return random weights of a model, in a file."""
    file = folder / f"{name}.safetensors"
    if not file.exists():
        torch.manual_seed(0)
        save_file(timm.create_model(name).state_dict(), file)
    return file


def loaded(folder: Path, name: str, layer: str | None = None) -> Backbone:
    """Return a backbone with random weights."""
    return load_backbone("timm:" + name, layer=layer, weights=untrained(folder, name)).to("cpu")


def normalised(backbone: Backbone, pixels: torch.Tensor) -> torch.Tensor:
    """Return pictures (N, 3, H, W) as timm's own transforms make them."""
    mean, std = torch.tensor(backbone.spec.mean), torch.tensor(backbone.spec.std)
    return ((pixels / 255 - mean) / std).permute(0, 3, 1, 2)


@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050"])
def test_a_cnn_gives_its_features(folder: Path, name: str) -> None:
    backbone = loaded(folder, name)
    model = timm.create_model(name).eval()
    model.load_state_dict(load_file(untrained(folder, name)))
    with torch.inference_mode():
        expected = model.forward_features(normalised(backbone, PIXELS))
    assert backbone.spec.pool == "gem"
    assert torch.allclose(backbone(PIXELS), expected, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(("name", "prefix"), [(DINO, 1), (REGISTERS, 5)])
def test_a_transformer_gives_its_patches(folder: Path, name: str, prefix: int) -> None:
    """DINOv2, made for 518 pixels, runs at 224: 16 x 16 patches, without its class token."""
    backbone = loaded(folder, name)
    model = timm.create_model(name, dynamic_img_size=True).eval()
    model.load_state_dict(load_file(untrained(folder, name)))
    with torch.inference_mode():
        tokens = model.forward_features(normalised(backbone, PIXELS))  # (2, prefix + 256, 384)
    found = backbone(PIXELS)
    assert (backbone.spec.size, backbone.spec.pool) == (224, "mean")
    assert found.shape == (2, 384, 16, 16)
    for row, column in [(0, 0), (0, 15), (7, 3), (15, 15)]:
        token = tokens[:, prefix + row * 16 + column]
        assert torch.allclose(found[:, :, row, column], token, atol=1e-4)


def test_a_transformer_takes_other_sizes(folder: Path) -> None:
    backbone = loaded(folder, DINO)
    assert backbone(PIXELS[:1, :140, :112]).shape == (1, 384, 10, 8)
    with pytest.raises(UsageError, match=r"--size 100: timm:vit.*patch size \(14\)"):
        backbone(PIXELS[:1, :100, :100])


def test_windows_last_channel_comes_first(folder: Path) -> None:
    """Swin's maps are (N, H, W, C)."""
    backbone = loaded(folder, SWIN)
    assert backbone(PIXELS[:1]).shape == (1, 768, 7, 7)
    with pytest.raises(UsageError, match="cannot be computed from its layers"):
        _ = backbone.geometry


def test_geometry(folder: Path) -> None:
    own = torchvision_models.cut(torchvision_models.build("resnet18", None), None)
    assert loaded(folder, "resnet18").geometry == measure(own)
    assert loaded(folder, DINO).geometry == Geometry(14, 7.0, 14, context=True)


def test_layers(folder: Path) -> None:
    backbone = loaded(folder, "resnet10t", "layer2")
    assert backbone(PIXELS).shape == (2, 128, 28, 28)
    assert loaded(folder, "test_vit", "blocks.2")(PIXELS[:, :160, :160]).shape == (2, 64, 10, 10)
    last = loaded(folder, "test_vit", "norm")(PIXELS[:, :160, :160])
    assert torch.equal(last, loaded(folder, "test_vit")(PIXELS[:, :160, :160]))
    with pytest.raises(UsageError, match=r"did you mean layer2\.0\.conv2"):
        loaded(folder, "resnet10t", "layer2.0.conv9")
    with pytest.raises(UsageError, match="take a part of blocks"):
        loaded(folder, "test_vit", "patch_embed")


def test_pooled_and_compared(folder: Path) -> None:
    maps = loaded(folder, "test_vit")(PIXELS[:, :160, :160])
    vectors = F.normalize(maps.mean(dim=(2, 3)), dim=1)
    assert torch.allclose((vectors @ vectors.T).diagonal(), torch.ones(2), atol=1e-6)


def test_weights_of_another_model(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Mismatch, match=r"not the weights of timm:test_vit \(no .*missing\)"):
        load_backbone("timm:test_vit", weights=untrained(folder, "resnet10t"))
    state = load_file(untrained(folder, "test_vit"))
    del state["blocks.3.mlp.fc2.bias"]
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(Mismatch, match=r"no blocks\.3\.mlp\.fc2\.bias, 1 missing"):
        load_backbone("timm:test_vit", weights=tmp_path / "w.safetensors")


def test_names(folder: Path) -> None:
    with pytest.raises(UsageError, match="did you mean timm:resnet18"):
        load_backbone("timm:resnet_18")
    with pytest.raises(UsageError, match=r"no backbone 'timm:zzzz'"):
        load_backbone("timm:zzzz")


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("No route to host")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(BadInput, match=r"No route to host.*--weights FILE.*--backbone mini"):
        load_backbone("timm:resnet10t")


def test_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(UsageError, match=r"pip install 'tvcli\[timm\]'"):
        load_backbone("timm:resnet10t")
