"""An index of a few pictures, made once for the tests of the Python API."""

from pathlib import Path

import pytest
from conftest import drawn

import tvcli


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with ten pictures in `photos/` and an index of them, `photos.tvx`."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "photos").mkdir()
    for number in range(10):
        drawn(number).save(folder / "photos" / f"{number}.png")
    tvcli.build_index(folder / "photos", folder / "photos.tvx")
    return folder
