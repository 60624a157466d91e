"""The attacker's ground: a home, a folder of strangers' files, and the installed `tv`."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import chdir
from pathlib import Path

import pytest
from conftest import picture

from tvcli.cli import run as run_here

Attack = Callable[..., subprocess.CompletedProcess[str]]
SECONDS = 60


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a user's home, with a file that is dear to them."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bashrc").write_text("export DEAR=1\n")
    return home


@pytest.fixture
def download(home: Path) -> Path:
    """Give a folder of pictures that came from somewhere, two levels below the home."""
    folder = home / "downloads" / "set"
    (folder / "photos").mkdir(parents=True)
    for number in range(3):
        picture(number).save(folder / "photos" / f"{number}.png")
    return folder


@pytest.fixture
def make_index(download: Path) -> Callable[..., Path]:
    """Index photos or records of the download as `i.tvx`, in this process; gives its manifest."""

    def make(source: str = "photos") -> Path:
        with chdir(download):
            assert run_here(["index", source, "-o", "i.tvx", "--size", "64", "-q"]) == 0
        return download / "i.tvx" / "index.json"

    return make


@pytest.fixture
def victim(home: Path, download: Path) -> Attack:
    """Run the installed `tv` in the download as its user: `victim("index", "photos")`."""
    own = ("TV_", "XDG_CONFIG", "XDG_STATE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(
        *arguments: object, program: Sequence[str] = ("tv",), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *map(str, arguments)],
            cwd=download,
            env={**kept, "PATH": path, "HOME": str(home), **environment},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run
