"""Files of every version ever written open for ever; those of versions to come are refused."""

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import REPOSITORY, Ran

from tvcli.core.backbones.mini_files import current
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.indexes.index import open_index
from tvcli.core.location.location_heads import load_boxes, load_classifier
from tvcli.core.ranking.rank import load_rank

Tv = Callable[..., Ran]
ARCHIVES = sorted((REPOSITORY / "tests" / "frozen").glob("version-*.tar.xz"))


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.split(".")[0], scope="module")
def frozen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frozen")
    with tarfile.open(request.param) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 and newer
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize(
    "name, shape", [("maps.h5", (256, 7, 7)), ("vectors.h5", (256,))], ids=["maps", "vectors"]
)
def test_encodings_open(frozen: Path, name: str, shape: tuple[int, ...]) -> None:
    with open_artifact(frozen / name, "encodings") as rows:
        assert len(rows) == 12
        assert rows.row_shape == shape
        columns = rows.read_columns(slice(None))
    assert columns["image"][0] == "dress-001-1.jpg"
    assert np.isfinite(columns["encodings"]).all()
    assert columns["region"][0].tolist() == [0, 0, 138, 184]


def test_heads_open(frozen: Path) -> None:
    assert load_classifier(frozen / "classifier.h5")
    assert load_boxes(frozen / "boxes.h5")
    assert load_rank(frozen / "rank.h5").pool


@pytest.mark.parametrize("name", ["exact.tvx", "annoy.tvx", "ranked.tvx", "located.tvx"])
def test_indexes_open_and_find(frozen: Path, name: str, tv: Tv) -> None:
    with open_index(frozen / name) as index:
        image = index.images[0]
    ran = tv("search", "--item", image, "-i", frozen / name, "-k", 3, "--format", "jsonl")
    assert (ran.status, ran.err.count("\n")) == (0, int(current() != "mini-1"))  # how to renew it
    hits = [json.loads(line) for line in ran.out.splitlines()]
    assert Path(hits[0]["image"]).name == Path(image).name
    assert hits[0]["similarity"] == pytest.approx(1, abs=2e-3)
    assert len(hits) == 3


def test_an_old_index_is_searched_by_a_photo(frozen: Path, tv: Tv) -> None:
    photo = frozen / "photos" / "shirt-001-2.jpg"
    ran = tv("search", photo, "-i", frozen / "exact.tvx", "-k", 1, "--format", "jsonl")
    assert ran.status == 0
    hit = json.loads(ran.out)
    assert hit["image"].endswith("shirt-001-2.jpg")
    assert hit["similarity"] == pytest.approx(1, abs=2e-3)


def test_records_are_read(frozen: Path, tv: Tv, tmp_path: Path) -> None:
    ran = tv("encode", frozen / "crops.jsonl", "-o", tmp_path / "crops.h5", "--pool", "mean", "-q")
    assert (ran.status, ran.err) == (0, "")
    with open_artifact(tmp_path / "crops.h5", "encodings") as rows:
        assert len(rows) == len((frozen / "crops.jsonl").read_text().splitlines())


def newer_file(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 99


def newer_index(path: Path) -> None:
    content = json.loads((path / "index.json").read_text())
    (path / "index.json").write_text(json.dumps(content | {"version": 99, "new": []}))


@pytest.mark.parametrize(
    "name, make_newer",
    [
        ("maps.h5", newer_file),
        ("classifier.h5", newer_file),
        ("boxes.h5", newer_file),
        ("rank.h5", newer_file),
        ("exact.tvx", newer_index),
    ],
)
def test_files_of_a_newer_version_are_refused(
    frozen: Path, name: str, make_newer: Any, tmp_path: Path, tv: Tv
) -> None:
    target = tmp_path / name
    copy = shutil.copytree if (frozen / name).is_dir() else shutil.copyfile
    copy(frozen / name, target)
    make_newer(target)
    ran = tv("info", target)
    assert ran.status == 4
    assert ran.err.count("\n") == 1
    assert name in ran.err
    assert "upgrade tvcli" in ran.err
