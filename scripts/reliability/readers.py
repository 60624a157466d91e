"""Everything of `tv` that reads what others wrote, as functions of a path, each with good inputs.

A reader is sound if, whatever the bytes, it returns or raises one of tv's own errors, in one line.
"""

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array
from PIL import Image
from safetensors.numpy import save_file

from scripts.reliability.inputs import Input
from tvcli.cli import tv
from tvcli.core.backbones.graph_check import check_graph
from tvcli.core.backbones.loading import read_weights
from tvcli.core.errors import TvError
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.formats import FORMATS, BoxedPhoto, read_annotations, write_annotations
from tvcli.core.files.project_settings import load_settings
from tvcli.core.files.records import read_record_file, region_from_record
from tvcli.core.images.photo import decode_photo, photo_size, view
from tvcli.core.indexes.index import open_index
from tvcli.core.location.location_heads import load_boxes, load_classifier
from tvcli.core.ranking.rank import load_rank
from tvcli.core.ranking.triplet_table import read_triplet_table
from tvcli.terminal.settings import Settings

FROZEN = Path(__file__).parents[2] / "tests" / "frozen" / "version-1.tar.xz"


@dataclass(frozen=True, slots=True)
class Reader:
    """How a file is read, and what is there to read."""

    read: Callable[[Path], None]
    input: Input


def sound(reader: Reader, path: Path) -> str | None:
    """Read a file; return what went wrong if it ended in anything but tv's own error."""
    try:
        reader.read(path)
    except (TvError, OSError) as error:  # the boundary of tv tells both in one line
        clear = isinstance(error, TvError) or error.errno
        return None if clear and "\n" not in str(error) else f"{type(error).__name__}: {error!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def refused(reader: Reader, path: Path) -> str | None:
    """Read a file that should be read; return what went wrong if it was not."""
    try:
        reader.read(path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def readers(folder: Path) -> dict[str, Reader]:
    """Return every reader by name, with good inputs made in a folder."""
    with tarfile.open(FROZEN) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 and newer
        archive.extractall(folder)
    found = dict(_files(folder))
    found |= dict(_formats(folder))
    found |= dict(_photos(folder))
    return found


def _files(folder: Path) -> Iterator[tuple[str, Reader]]:
    yield "records", Reader(_read_regions, Input("r.jsonl", _first_lines(folder / "crops.jsonl")))
    yield (
        "triplets",
        Reader(_read_triplets, Input("t.jsonl", _first_lines(folder / "triplets.jsonl"))),
    )
    yield "encodings", _file(folder / "vectors.h5", _read_rows)
    yield "rank head", _file(folder / "rank.h5", load_rank)
    yield "classifier", _file(folder / "classifier.h5", load_classifier)
    yield "boxes head", _file(folder / "boxes.h5", load_boxes)
    for name in ("exact", "annoy", "ranked"):
        yield f"manifest, {name}", _part(folder / f"{name}.tvx", "index.json", _search)
    yield "embeddings", _part(folder / "exact.tvx", "embeddings-1.h5", _search)
    yield "annoy", _part(folder / "annoy.tvx", "forest-1.annoy", _search)
    (folder / "tv.toml").write_text('k = 3\n[search]\nformat = "jsonl"\n')
    (folder / "graph.onnx").write_bytes(_graph())
    yield "graph", Reader(_check_graph, Input("graph.onnx", folder / "graph.onnx"))
    yield "tv.toml", Reader(_read_toml, Input("tv.toml", folder / "tv.toml"))
    save_file({"a": np.ones((2, 3), np.float32)}, folder / "w.safetensors")
    yield "safetensors", Reader(_read_weights, Input("w.safetensors", folder / "w.safetensors"))
    torch.save({"a": torch.ones(2, 3)}, folder / "w.pth")
    yield "weights of torch", Reader(_read_weights, Input("w.pth", folder / "w.pth"))


def _formats(folder: Path) -> Iterator[tuple[str, Reader]]:
    photo = BoxedPhoto("a.jpg", folder / "a.jpg", 100, 80)
    photo.objects.append(((1.0, 2.0, 30.0, 40.0), "cat"))
    suffixes = {"jsonl": ".jsonl", "coco": ".json", "via": ".json", "voc": ".xml", "yolo": ".txt"}
    suffixes |= {"labelme": ".json", "cvat": ".xml"}
    for format in FORMATS:
        target = folder / f"boxes-{format}"
        write_annotations(target, [photo], format)
        file = target / f"a{suffixes[format]}" if target.is_dir() else target
        yield format, Reader(_boxes(format), Input(f"a{suffixes[format]}", file))


def _photos(folder: Path) -> Iterator[tuple[str, Reader]]:
    values = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"):
        path = folder / f"a.{format.lower()}"
        Image.fromarray(values).save(path, format)
        yield format, Reader(_decode, Input(path.name, path))


def _file(path: Path, read: Callable[[Path], object]) -> Reader:
    return Reader(lambda p: _ignore(read(p)), Input(path.name, path))


def _part(folder: Path, name: str, read: Callable[[Path], None]) -> Reader:
    return Reader(read, Input(name, folder / name, inside=folder))


def _first_lines(path: Path) -> Path:
    few = path.with_suffix(".few")
    few.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    return few


def _read_triplets(path: Path) -> None:
    read_triplet_table(path, None, lambda where, fault: None)


def _read_regions(path: Path) -> None:
    for record, where in read_record_file(path):
        region_from_record(record, where)


def _read_rows(path: Path) -> None:
    with open_artifact(path, "encodings") as file:
        file.read_columns(slice(0, 4))


def _search(path: Path) -> None:
    """Open the index that a file is part of, and search it by one of its rows."""
    with open_index(path.parent) as index:
        index.search(index.vectors(np.zeros(1, np.intp)), 3)
        index.columns(np.zeros(1, np.intp))
        _ignore((index.root, index.rank_file, index.location_files))


def _read_toml(path: Path) -> None:
    """Read settings and lay them upon the options of all commands."""
    settings = Settings.of(_commands(), load_settings(path.parent))
    for name in ("index", "search", "annotate boxes"):
        _all(settings.warnings(name))
    settings.defaults()


@cache
def _commands() -> Any:
    return tv()


def _graph() -> bytes:
    """Return a graph with what an exported one has: operators, attributes, weights."""
    taken = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 8, 8, 3])
    given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["values"], ["turned"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["turned", "weights"], ["rows"], strides=[2, 2]),
    ]
    values = np.ones((4, 3, 2, 2), np.float32)
    graph = helper.make_graph(nodes, "g", [taken], [given], [from_array(values, "weights")])
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def _check_graph(path: Path) -> None:
    check_graph(path.read_bytes())


def _read_weights(path: Path) -> None:
    read_weights(path)


def _boxes(format: str) -> Callable[[Path], None]:
    return lambda path: _all(read_annotations(path, format))


def _decode(path: Path) -> None:
    data = path.read_bytes()
    photo_size(data)
    view(decode_photo(data, size=16), None, 16, "squash")


def _all(items: object) -> None:
    for _ in items:  # type: ignore[attr-defined]
        pass


def _ignore(_: object) -> None:
    pass
