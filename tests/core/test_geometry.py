"""The computed geometry against a probe: move one pixel, see which positions change."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tvcli.core.backbones import mini, torchvision_models
from tvcli.core.backbones.catalogue import GENERATIONS
from tvcli.core.backbones.geometry import Geometry
from tvcli.core.backbones.mini_files import GEOMETRY, weights_of
from tvcli.core.backbones.receptive_field import measure


def made_transparent(network: nn.Module) -> nn.Module:
    """Make every weight positive and small, so that a brighter pixel shows wherever it is seen."""
    network = network.eval()
    for name, parameter in network.named_parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
        parameter.data.fill_(0.0 if name.endswith("bias") else 1 / fan_in)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.weight.data.fill_(1.0)
    return network


@torch.inference_mode()
def seen_from(network: nn.Module, side: int, pixels: list[tuple[int, int]]) -> Tensor:
    """Return the map positions (P, h, w) bool that change with each of some pixels alone."""
    photos = torch.zeros(1 + len(pixels), 3, side, side)  # the first stays dark
    for photo, (row, column) in zip(photos[1:], pixels, strict=True):
        photo[:, row, column] = 1e6
    dark, *bright = network(photos)
    return torch.stack([(maps != dark).any(dim=0) for maps in bright])


def predicted(geometry: Geometry, size: int, pixel: int) -> Tensor:
    """Return which positions along one side see a pixel."""
    first = torch.arange(size) * geometry.stride + geometry.offset - geometry.field / 2
    return (first <= pixel) & (pixel < first + geometry.field)


def assert_probed(network: nn.Module, side: int) -> None:
    geometry = measure(network)
    network = made_transparent(network)
    pixels = [(0, 0), (side // 2, side // 3), (side // 3 + 1, side - 1), (side - 7, 5)]
    for pixel, seen in zip(pixels, seen_from(network, side, pixels), strict=True):
        rows = predicted(geometry, seen.shape[0], pixel[0])
        columns = predicted(geometry, seen.shape[1], pixel[1])
        assert (seen == rows[:, None] & columns[None, :]).all(), pixel


class Branches(nn.Module):
    """Two branches of different reach, joined by addition and by concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 5, 2, 1)
        self.wide = nn.Conv2d(4, 4, 3, 1, 2, dilation=2)
        self.narrow = nn.Conv2d(4, 4, 1)
        self.last = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([self.wide(x) + self.narrow(x), F.max_pool2d(x, 3, 1, 1)], 1)
        return self.last(x)


def test_branches() -> None:
    network = Branches()
    # By hand: stem sees 5 px every 2 px from -1; wide adds 4 px a side; the pooling 2 more steps.
    assert measure(network) == Geometry(stride=4, offset=3.5, field=17)
    assert_probed(network, 61)


@pytest.mark.parametrize("name", GENERATIONS)
def test_mini(name: str) -> None:
    network, _ = mini.load(weights_of(name))
    geometry = measure(network)
    assert geometry == GEOMETRY
    assert_probed(network, 2 * geometry.field)


@pytest.mark.parametrize(
    ("name", "side"),
    [("alexnet", 320), ("vgg11", 300), ("squeezenet1_1", 319), ("resnet18", 480)],
)
def test_torchvision(name: str, side: int) -> None:
    assert_probed(torchvision_models.cut(torchvision_models.build(name, None), None), side)


def test_known_fields() -> None:
    """AlexNet's and VGG16's are in the literature (Araujo et al. 2019, table 1)."""
    alexnet = torchvision_models.cut(torchvision_models.build("alexnet", None), None)
    vgg16 = torchvision_models.cut(torchvision_models.build("vgg16", None), None)
    assert (measure(alexnet).field, measure(vgg16).field) == (195, 212)
    assert (measure(alexnet).stride, measure(vgg16).stride) == (16, 16)


def test_squeeze_and_excitation_sees_everything() -> None:
    network = torchvision_models.cut(torchvision_models.build("mobilenet_v3_small", None), None)
    assert measure(network).context
    assert measure(network).stride == 32


def test_swin_merges_patches() -> None:
    network = torchvision_models.build("swin_t", None)
    for value in network.state_dict().values():
        value.zero_()
    geometry = measure(torchvision_models.cut(network, None))
    assert (geometry.stride, geometry.context) == (32, True)
