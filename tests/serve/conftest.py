import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import client_of, make_collection
from starlette.testclient import TestClient

from tvcli.cli import run
from tvcli.serve.pages import open_gallery


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with photos and an index, made once."""
    return make_collection(tmp_path_factory.mktemp("made"), run)


@pytest.fixture
def collection(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the folder as the current one; thumbnails are kept inside it."""
    folder = tmp_path / "collection"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def gallery(collection: Path) -> Iterator[TestClient]:
    """Give a client of the gallery of the collection."""
    with open_gallery([Path("photos.tvx")], None) as app, client_of(app) as client:
        yield client
