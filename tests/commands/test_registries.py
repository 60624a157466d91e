"""Engines, poolings, formats of boxes and backbones are entries: one added is there everywhere."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, picture

from tvcli.core.backbones import loading, mini
from tvcli.core.backbones.mini_files import mini_spec
from tvcli.core.encoding.pooling import POOLINGS, Pooling
from tvcli.core.engines import STRUCTURES, Rows, Vectors
from tvcli.core.engines.approximate import Kind
from tvcli.core.engines.interface import Gallery
from tvcli.core.files.formats import FORMATS, Annotation, BoxedPhoto, Format
from tvcli.core.reports import Report

Tv = Callable[..., Ran]


class Slices:
    """Looks at the rows whose first value is closest to the query's: as many as the budget says."""

    name, budgets = "slices", (4, 64)
    asked: list[int]

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def near(self, queries: Vectors, count: int, budget: int) -> Rows:
        ASKED.append(budget)
        apart = np.abs(queries[:, :1] - self._vectors[:, 0])  # (Q, N)
        return np.argsort(apart, axis=1, kind="stable")[:, : max(budget, count)]


ASKED: list[int] = []


def build(gallery: Gallery, path: Path, dimension: int, seed: int) -> dict[str, Any]:
    with path.open("wb") as file:
        np.save(file, gallery.vectors(slice(0, len(gallery))))
    return {"slices": dimension}


def load(path: Path, dimension: int, rows: int) -> Slices | None:
    vectors = np.load(path)
    return Slices(vectors) if vectors.shape == (rows, dimension) else None


def peak(maps: Any) -> Any:
    """Return the largest activation of each channel."""
    return maps.max(axis=(2, 3)) if isinstance(maps, np.ndarray) else maps.amax(dim=(2, 3))


def peak_contributions(encoding: Any, pooled: Any, direction: Any) -> Any:
    """Give what a channel adds to the position where it is largest."""
    found = np.zeros(encoding[0].size, np.float32)
    np.add.at(found, encoding.reshape(len(encoding), -1).argmax(axis=1), pooled * direction)
    return found.reshape(encoding.shape[1:])


def read_table(path: Path, report: Report) -> Iterator[Annotation]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        image, label, *box = line.split("\t")
        yield Annotation(image, [float(side) for side in box], label, f"{path}:{number}")


def table_lines(photos: list[BoxedPhoto]) -> Iterator[str]:
    lines = ((p.image, label, *map(str, box)) for p in photos for box, label in p.objects)
    return map("\t".join, lines)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Register one of each, in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    kind = Kind(lambda: None, "slices", ".npy", build, lambda *_: True, load, aliases=("toy",))
    monkeypatch.setitem(STRUCTURES, "slices", kind)
    monkeypatch.setitem(POOLINGS, "peak", Pooling(peak, peak_contributions))
    monkeypatch.setitem(FORMATS, "table", Format(read_table, table_lines))
    return monkeypatch


def hits(ran: Ran) -> list[dict[str, Any]]:
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.mark.usefixtures("registered")
def test_an_engine(tv: Tv, photos: Path) -> None:
    assert tv("index", photos, "-o", "plain.tvx", "--engine", "exact", "-q").status == 0
    assert tv("index", photos, "-o", "x.tvx", "--engine", "toy", "-q").status == 0
    known = json.loads(tv("info", "x.tvx", "--json").out)
    assert (known["engine"], known["forest"]["slices"]) == ("slices", known["shape"][0])
    assert [file.name for file in Path("x.tvx").glob("*.npy") if file.name != "stamps.npy"] == [
        "slices-1.npy"
    ]
    for asked in ([], ["--where", "image^=inner/"]):
        query = ["search", photos / "inner" / "6.png", *asked]
        assert hits(tv(*query, "-i", "x.tvx")) == hits(tv(*query, "-i", "plain.tvx"))
    ASKED.clear()
    ran = tv("search", photos / "1.png", "-i", "x.tvx", "--effort", 7)
    assert (hits(ran)[0]["similarity"], ran.err) == (1.0, "")
    assert set(ASKED) == {7}
    picture(20).save(photos / "new.png")  # beside the structure until that is made anew
    assert tv("index", photos, "--update", "-o", "x.tvx", "-q").status == 0
    assert hits(tv("search", photos / "new.png", "-i", "x.tvx", "-k", 1))[0]["similarity"] == 1.0
    refused = tv("index", photos, "-o", "y.tvx", "--engine", "toys")
    assert refused.status == 2
    assert "slices" in refused.err and "toy," in refused.err


def test_a_pooling(
    tv: Tv, photos: Path, registered: pytest.MonkeyPatch, added_up: Callable[..., None]
) -> None:
    small = ("--size", 64, "-q")
    assert tv("encode", photos, "-o", "maps.h5", *small).status == 0
    assert tv("encode", photos, "-o", "peaks.h5", "--pool", "peak", *small).status == 0
    assert tv("index", photos, "-o", "photos.tvx", "--pool", "peak", *small).status == 0
    assert tv("index", "maps.h5", "-o", "maps.tvx", "--pool", "peak", "-q").status == 0
    assert tv("index", "peaks.h5", "-o", "peaks.tvx", "-q").status == 0
    indexes = ("photos.tvx", "maps.tvx", "peaks.tvx")
    found = [hits(tv("search", photos / "3.png", "-i", index)) for index in indexes]
    for records in found:
        assert [hit["image"] for hit in records] == [hit["image"] for hit in found[0]]
        assert records[0]["similarity"] == pytest.approx(1, abs=1e-3)
    explained = ("search", photos / "3.png", "-i", "maps.tvx", "-k", 3, "--explain", "why")
    records = hits(tv(*explained))
    added_up(records)
    assert tv("triplets", "maps.h5", "--from-folders", "-o", "t.jsonl", "-q").status == 0
    train = ("train-rank", "maps.h5", "t.jsonl", "-o", "rank.h5", "--steps", 30, "-q")
    assert tv(*train, "--pool", "peak").status == 0
    assert json.loads(tv("info", "rank.h5", "--json").out)["settings"]["pool"] == "peak"
    registered.delitem(POOLINGS, "peak")
    for index in indexes:
        ran = tv("search", photos / "3.png", "-i", index)
        assert (ran.status, ran.out) == (4, "")
        known = "mean, gem, spatial, mean+gem, crelu, crelu+gem"
        assert f"'peak', which this tv does not know ({known})" in ran.err
    assert tv("index", "peaks.h5", "-o", "y.tvx").status == 4
    for words in (("encode", photos, "-o", "y.h5"), ("index", "maps.h5", "-o", "y.tvx")):
        ran = tv(*words, "--pool", "peak")
        assert (ran.status, ran.out) == (2, "")
        assert "--pool peak: one of" in ran.err
    assert not Path("y.tvx").exists() and not Path("y.h5").exists()


@pytest.mark.usefixtures("registered")
def test_a_format_of_boxes(tv: Tv, photos: Path) -> None:
    Path("boxes.txt").write_text("photos/1.png\tcat\t10\t12\t60\t50\n")
    assert tv("crops", "boxes.txt", "--from", "table", "--to", "coco", "-o", "c.json").status == 0
    assert tv("crops", "c.json", "--from", "coco", "--to", "table", "-o", "again.txt").status == 0
    image, *rest = Path("again.txt").read_text().split("\t")
    assert Path(image).name == "1.png"
    assert rest == ["cat", "10.0", "12.0", "60.0", "50.0\n"]
    ran = tv("crops", "boxes.txt", "--from", "tables", "-o", "c.json")
    assert ran.status == 2
    assert "cvat, table" in ran.err


@pytest.mark.usefixtures("registered")
def test_a_family_of_backbones(tv: Tv, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_toy(
        name: str, layer: str | None, weights: Path | None, download: bool
    ) -> loading.Backbone:
        return loading.Backbone(replace(mini_spec(), name=name), mini.load()[0])

    toys = loading.Family(lambda name: name.startswith("toy:"), load_toy)
    monkeypatch.setattr(loading, "FAMILIES", [toys, *loading.FAMILIES])
    small = ("--backbone", "toy:small", "--size", 64, "--runtime", "torch", "-q")
    assert tv("index", photos, "-o", "x.tvx", *small).status == 0
    assert hits(tv("search", photos / "3.png", "-i", "x.tvx"))[0]["similarity"] == pytest.approx(1)
    assert tv("index", photos, "-o", "y.tvx", "--backbone", "toys:small").status == 2
