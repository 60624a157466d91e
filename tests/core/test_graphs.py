"""Graphs against torch: the same encodings, whatever runs the network.

Tolerance: 1e-4 of a map's largest value (`export.TOLERANCE`); 3e-6 is what is found here. float16,
in which encodings are kept, resolves no more than 5e-4 of each value.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchvision
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torchvision import models

from tvcli.core.backbones import export, graphs, torchvision_models
from tvcli.core.backbones.catalogue import GENERATIONS
from tvcli.core.backbones.export import TOLERANCE, NoGraph, export_graph, graph_of
from tvcli.core.backbones.graph_cache import cache_folder, cached_graph
from tvcli.core.backbones.graphs import OnnxNetwork, mini_graph
from tvcli.core.backbones.loading import Backbone, load_backbone
from tvcli.core.backbones.mini_files import mini_spec, weights_of
from tvcli.core.backbones.specs import BackboneSpec
from tvcli.core.encoding.encoder import Encoder, encoder_of, make_encoder
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.provenance import file_hash
from tvcli.serve import thumbnails

# One of each family, at a size that is quick; a transformer's is its own.
FAMILIES = {
    "alexnet": 64,
    "vgg11": 64,
    "squeezenet1_1": 96,
    "resnet18": 96,
    "densenet121": 64,
    "googlenet": 64,
    "mobilenet_v2": 96,
    "mobilenet_v3_small": 96,
    "mnasnet0_5": 96,
    "shufflenet_v2_x0_5": 96,
    "regnet_y_400mf": 96,
    "efficientnet_b0": 96,
    "convnext_tiny": 96,
    "vit_b_32": 96,  # which stands for the other transformers, that take long to fill
}
# Of deep families fewer layers, of the same kinds, do: each with and without a shortcut.
SHALLOW = {
    "resnet18": lambda: models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1]),
    "densenet121": lambda: models.DenseNet(32, (2, 2, 2, 2), 64),
    "mobilenet_v2": lambda: models.MobileNetV2(
        inverted_residual_setting=[[1, 16, 1, 1], [6, 24, 2, 2], [6, 96, 2, 2], [6, 160, 1, 2]]
    ),
    "mobilenet_v3_small": lambda: models.MobileNetV3(
        [
            models.mobilenetv3.InvertedResidualConfig(*block, 1, 1.0)  # dilation, width
            for block in (
                (16, 3, 16, 16, True, "RE", 2),
                (16, 3, 72, 24, False, "RE", 2),
                (24, 5, 96, 40, True, "HS", 2),
                (40, 5, 240, 40, True, "HS", 1),
            )
        ],
        1024,
    ),
    "shufflenet_v2_x0_5": lambda: models.ShuffleNetV2([2, 2, 2], [24, 48, 96, 192, 1024]),
    "regnet_y_400mf": lambda: models.RegNet(
        models.regnet.BlockParams([1, 1, 2], [48, 104, 208], [8] * 3, [1.0] * 3, [2] * 3, 0.25)
    ),
    "efficientnet_b0": lambda: models.EfficientNet(
        [
            models.efficientnet.MBConvConfig(*block)
            for block in (
                (1, 3, 1, 32, 16, 1),
                (6, 3, 2, 16, 24, 2),
                (6, 5, 2, 24, 40, 1),
                (6, 5, 2, 40, 80, 2),
            )
        ],
        0.2,
    ),
    "convnext_tiny": lambda: models.ConvNeXt(
        [
            models.convnext.CNBlockConfig(96, 192, 1),
            models.convnext.CNBlockConfig(192, 384, 2),
            models.convnext.CNBlockConfig(384, None, 1),
        ]
    ),
    "vit_b_32": lambda: models.VisionTransformer(96, 32, 2, 12, 768, 3072),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tvcli"


def pictures(size: int, count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (count, size, size, 3), np.uint8))


def random_backbone(name: str) -> Backbone:
    """Return a model of torchvision cut as a backbone is, with random numbers in what is left."""
    if name in SHALLOW:
        model = SHALLOW[name]().eval()
    elif name in ("alexnet", "vgg11"):  # quicker than filling what is large
        model = torchvision_models.build(name, None)
    else:
        options = torchvision_models.AS_PUBLISHED.get(name, {})
        model = torchvision.models.get_model(name, weights=None, **options).eval()
    network = torchvision_models.cut(model, None)
    generator = torch.Generator().manual_seed(0)
    for key, values in network.state_dict().items():
        if values.ndim > 1:
            values.copy_(torch.randn(values.shape, generator=generator) / values[0].numel() ** 0.5)
        elif values.dtype == torch.float32:  # of norms; no variance is near zero
            shift = 0.5 if key.endswith(("running_var", "weight")) else -0.5
            values.copy_(torch.rand(values.shape, generator=generator) + shift)
    spec = BackboneSpec(name, None, "0" * 64, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return Backbone(spec, network)


def untrained(name: str, folder: Path) -> Path:
    """Return a file of a model's random weights."""
    torch.manual_seed(0)
    path = folder / f"{name}.pth"
    torch.save(torchvision.models.get_model(name, weights=None).state_dict(), path)
    return path


def apart(first: np.ndarray, second: np.ndarray) -> float:
    assert first.shape == second.shape
    assert first.dtype == second.dtype == np.float32
    return float(np.abs(first - second).max() / np.abs(second).max())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gives_what_torch_gives(name: str) -> None:
    backbone, seen = random_backbone(name), np.stack(pictures(FAMILIES[name]))
    network = OnnxNetwork(backbone.spec, export_graph(backbone, FAMILIES[name]))
    maps = network.rows(seen, lambda maps: maps)
    assert maps.ndim == 4
    assert maps.std() > 0.01
    assert apart(maps, backbone.rows(seen, lambda maps: maps)) < TOLERANCE / 10
    alone = np.concatenate([network.rows(picture[None], lambda maps: maps) for picture in seen])
    assert apart(alone, maps) < TOLERANCE / 100


def test_a_layer_of_vectors(tmp_path: Path) -> None:
    file = untrained("mobilenet_v3_small", tmp_path)
    rows = [
        make_encoder(
            "mobilenet_v3_small",
            weights=file,
            layer="classifier.1",
            size=64,
            device="cpu",
            runtime=runtime,
        ).encode(pictures(64))
        for runtime in ("onnx", "torch")
    ]
    assert rows[0].shape == (3, 1024)
    assert apart(*rows) < TOLERANCE / 10


@pytest.mark.parametrize("size", [32, 97, 168, 224])
@pytest.mark.parametrize("pool", ["none", "mean", "gem", "spatial"])
def test_mini_gives_what_torch_gives(size: int, pool: str) -> None:
    rows = [
        make_encoder("mini", size=size, pool=pool, device="cpu", runtime=runtime).encode(
            pictures(size)
        )
        for runtime in ("onnx", "torch")
    ]
    assert apart(*rows) < TOLERANCE / 10


def test_a_row_depends_on_its_picture_alone() -> None:
    encoder, seen = make_encoder("mini", device="cpu"), pictures(168, 5)
    together = encoder.encode(seen)
    assert np.array_equal(together[3:4], encoder.encode(seen[3:4]))


@pytest.mark.parametrize("name", GENERATIONS)
def test_minis_graph_reads_the_weights_that_torch_reads(name: str) -> None:
    spec, file = mini_graph(name)
    model = onnx.load(file, load_external_data=False)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert about["weights"] == spec.weights == file_hash(weights_of(name))
    outside = [t for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL]
    places = {e.value for t in outside for e in t.external_data if e.key == "location"}
    assert places == {weights_of(name).name}
    assert len(outside) == len(load_backbone(name).network.state_dict())
    assert file.stat().st_size < 20_000


@pytest.mark.parametrize("name", GENERATIONS)
def test_minis_graph_is_what_its_script_writes(name: str, tmp_path: Path) -> None:
    from scripts.mini.graph import write_graph

    write_graph(weights_of(name), tmp_path / "mini.onnx")
    made, shipped = (
        onnx.load(f, load_external_data=False)
        for f in (tmp_path / "mini.onnx", mini_graph(name)[1])
    )
    nodes = [[(n.op_type, *n.input) for n in model.graph.node] for model in (made, shipped)]
    assert nodes[0] == nodes[1]
    assert made.graph.initializer == shipped.graph.initializer


def test_a_graph_of_other_weights_is_refused() -> None:
    spec, file = mini_graph()
    assert OnnxNetwork(spec, file).spec == spec
    with pytest.raises(BadInput, match="mini is not of its weights"):
        OnnxNetwork(replace(spec, weights="0" * 64), file)


def foreign_graph(weights: str, location: str | None = None, op: str = "Identity") -> bytes:
    """Return a graph that adds numbers read from a file, or runs an operator of its own."""
    number = TensorProto(name="number", data_type=TensorProto.FLOAT, dims=[1])
    if location is None:
        number.float_data.append(1.0)
    else:
        number.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", "4")):
            number.external_data.add(key=key, value=value)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["values"], to=TensorProto.FLOAT),
        helper.make_node(op, ["values"], ["same"], domain="" if op == "Identity" else "own"),
        helper.make_node("Add", ["same", "number"], ["rows"]),
    ]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "h", "w", 3])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, None)],
        [number],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    model.metadata_props.add(key="weights", value=weights)
    return bytes(model.SerializeToString())


def test_a_foreign_graph_reads_no_files_and_runs_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = mini_spec()
    monkeypatch.chdir(tmp_path)
    Path("secret").write_bytes(b"1234")
    network = OnnxNetwork(spec, foreign_graph(spec.weights))
    seen = np.zeros((1, 2, 2, 3), np.uint8)
    assert (network.rows(seen, lambda maps: maps) == 1).all()
    for place in ("secret", str(tmp_path / "secret"), "../secret", "/etc/hostname"):
        with pytest.raises(BadInput, match="cannot be run"):
            OnnxNetwork(spec, foreign_graph(spec.weights, place))
    with pytest.raises(BadInput, match="cannot be run"):
        OnnxNetwork(spec, foreign_graph(spec.weights, op="Evil"))
    for content in (b"", b"text", b"\x08\x09" * 40):
        with pytest.raises(BadInput, match="graph of mini"):
            OnnxNetwork(spec, content)


def test_a_graph_that_fails_on_a_picture_is_told() -> None:
    spec = mini_spec()
    network = OnnxNetwork(spec, foreign_graph(spec.weights))
    with pytest.raises(BadInput, match="graph of mini fails"):
        network.rows(np.zeros((1, 2, 2, 4), np.uint8), lambda maps: maps)


def test_a_graph_without_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = make_encoder("mini", runtime="onnx")

    def run(*_: object) -> None:
        raise RuntimeError("Non-zero status code returned while running Conv: std::bad_alloc")

    monkeypatch.setattr(encoder.network._graph, "_session", SimpleNamespace(run=run))
    with pytest.raises(MemoryError):
        encoder.encode([np.zeros((168, 168, 3), np.uint8)])


def test_what_cannot_be_exported_is_run_by_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = untrained("squeezenet1_1", tmp_path)

    def wrong(*_: object, **__: object) -> bytes:
        return foreign_graph(load_backbone("squeezenet1_1", weights=file).spec.weights)

    monkeypatch.setattr(export, "export_graph", wrong)
    encoder = make_encoder("squeezenet1_1", weights=file, size=64, device="cpu")
    assert encoder.network.runtime == "torch"
    with pytest.raises(UsageError, match=r"--runtime onnx: the graph of squeezenet1_1.*take torch"):
        make_encoder("squeezenet1_1", weights=file, size=64, device="cpu", runtime="onnx")
    assert not cache_folder().exists()


def test_the_exporter_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    backbone = load_backbone("mini")
    backbone.network = torch.nn.Sequential(torch.nn.Fold((4, 4), 2))
    with pytest.raises(NoGraph, match="mini cannot be exported"):
        export_graph(backbone, 64)
    assert capfd.readouterr() == ("", "")


def test_it_is_exported_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = load_backbone("squeezenet1_1", weights=untrained("squeezenet1_1", tmp_path))
    graph = graph_of(backbone, 64)
    file = cached_graph(backbone.spec, 64)
    assert file is not None
    assert list(cache.iterdir()) == [file]
    assert file.read_bytes() == graph
    assert cached_graph(backbone.spec, 96) is None
    file.write_bytes(graph[:1000])  # cut off by a full disk
    assert graph_of(backbone, 64) == graph
    monkeypatch.setattr(export, "export_graph", None)
    assert graph_of(backbone, 64) == graph


def test_a_record_is_run_by_a_graph_without_its_weights(tmp_path: Path) -> None:
    file = untrained("squeezenet1_1", tmp_path)
    made = make_encoder("squeezenet1_1", weights=file, size=64, device="cpu", pool="gem")
    spec: dict[str, Any] = json.loads(json.dumps(made.spec))
    file.unlink()
    again = encoder_of(spec, made.weights_file, device="cpu")
    assert again.spec == made.spec
    assert np.array_equal(again.encode(pictures(64)), made.encode(pictures(64)))
    graph = cached_graph(made.network.spec, 64)
    assert graph is not None
    content = graph.read_bytes()
    graph.unlink()
    carried = encoder_of(spec, made.weights_file, device="cpu", graph=content)
    assert np.array_equal(carried.encode(pictures(64)), made.encode(pictures(64)))
    with pytest.raises(BadInput, match="weights of squeezenet1_1 are gone"):
        encoder_of(spec, made.weights_file, device="cpu")
    spec["backbone"]["weights"] = "0" * 64
    with pytest.raises(BadInput, match="not of its weights"):
        encoder_of(spec, made.weights_file, device="cpu", graph=content)


def test_other_weights_of_mini() -> None:
    spec = make_encoder("mini", device="cpu").spec
    spec["backbone"]["weights"] = "0" * 64
    with pytest.raises(Mismatch, match=r"weights of mini are not those.*index again"):
        encoder_of(spec, None, device="cpu")


def test_which_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    choose = graphs.choose_runtime
    monkeypatch.setattr(graphs, "has_openvino", lambda: False)
    assert choose("auto", "cpu", "fp32") == "onnx"
    assert choose("auto", "cpu", "bf16") == "torch"
    assert choose("torch", "cpu", "fp32") == "torch"
    assert choose("auto", "cuda", "fp32") == "torch"
    monkeypatch.setattr(graphs, "has_openvino", lambda: True)
    assert choose("auto", "cpu", "bf16") == "openvino"
    with pytest.raises(UsageError, match=r"--runtime onnx: runs on a CPU.*cuda take torch"):
        choose("onnx", "cuda", "fp32")
    with pytest.raises(UsageError, match="computes in fp32"):
        choose("onnx", "cpu", "bf16")
    monkeypatch.setattr(graphs, "GPU_FILES", ())
    assert graphs.on_cpu("auto") == (sys.platform != "darwin")
    monkeypatch.setattr(graphs, "GPU_FILES", (Path(__file__),))
    monkeypatch.setattr(graphs, "find_spec", lambda name: None)
    assert graphs.on_cpu("auto")  # a GPU, and no torch to use it


def test_openvino_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "has_openvino", lambda: False)
    with pytest.raises(UsageError, match=r"pip install 'tvcli\[openvino\]'"):
        make_encoder("mini", device="cpu", runtime="openvino")


@pytest.fixture
def openvino(tmp_path: Path) -> Encoder:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    return make_encoder("mini", size=96, device="cpu", runtime="openvino")


def test_openvino_gives_what_torch_gives(openvino: Encoder) -> None:
    seen = pictures(96, 4)
    rows = openvino.encode(seen)
    assert apart(rows, make_encoder("mini", size=96, runtime="torch").encode(seen)) < TOLERANCE / 10
    assert np.array_equal(rows[2:3], openvino.encode(seen[2:3]))


def has_bf16() -> bool:
    """Tell whether OpenVINO computes in bfloat16 here: else it takes float32, whatever is asked."""
    from openvino import Core

    return "BF16" in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def test_bf16_is_near(openvino: Encoder) -> None:
    seen = pictures(96, 4)
    whole = make_encoder("mini", size=96, pool="mean", device="cpu").encode(seen)
    for runtime in ("torch", "openvino"):
        half = make_encoder(
            "mini", size=96, pool="mean", device="cpu", precision="bf16", runtime=runtime
        )
        assert half.network.runtime == runtime
        rows = half.encode(seen)
        cosines = (
            (rows * whole).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(whole, axis=1)
        )
        assert 1 - cosines.min() < 1e-3
        assert (1 - cosines.min() > 1e-6) == (runtime == "torch" or has_bf16())


@pytest.mark.parametrize("how", ["mean", "gem", "spatial", "none"])
def test_pooling_is_the_same_in_numpy_and_torch(how: str) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 5, 9, 11)).astype(np.float32)
    expected = pool_maps(torch.from_numpy(maps), how).numpy()
    assert np.allclose(pool_maps(maps, how), expected, atol=1e-6)


def test_an_encoder_of_mini_brings_no_torch() -> None:
    code = (
        "import sys; from tvcli.core.encoding.encoder import make_encoder as make;"
        "make('mini', device='cpu'); sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["timm:resnet10t", "timm:mobilenetv3_small_050", "timm:test_vit"])
def test_timms_models_give_what_torch_gives(name: str, tmp_path: Path) -> None:
    timm = pytest.importorskip("timm", reason="the extra timm is not installed")
    torch.manual_seed(0)
    model = timm.create_model(name.removeprefix("timm:"), pretrained=False)
    file = tmp_path / "weights.safetensors"
    save_file(model.state_dict(), file)
    found, expected = (
        make_encoder(name, weights=file, size=160, device="cpu", runtime=runtime)
        for runtime in ("auto", "torch")
    )
    assert found.network.runtime == ("torch" if name == "timm:test_vit" else "onnx")
    rows = found.encode(pictures(160))
    assert apart(rows, expected.encode(pictures(160))) < TOLERANCE / 10


def test_graphs_and_thumbnails_have_a_place_where_nobody_knows_the_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(_: int) -> None:
        raise KeyError("uid")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)  # as for a container's user without an entry
    for base in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", base)
        assert cache_folder().is_absolute() and not cache_folder().exists()
        assert thumbnails.cache_folder().is_absolute()
