import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from box_page import Editor
from pages import SESSIONS, make_collection, post, running

from tvcli.cli import run


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """Give a page that must ask nobody else for anything, raise nothing and open no dialog.

    Where the tests went in by a ticket, its browser is one that was let in.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)  # a page may have to wait for torch, on a busy machine
    faults: list[str] = []
    goto = page.goto

    def visit(address: str, **options: Any) -> Any:
        for home, session in SESSIONS.items():
            if address.startswith(home):
                context.add_init_script(f"localStorage.tv ??= '{json.dumps(session)}'")
        return goto(address, **options)

    page.goto = visit
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.accept()))
    context.on("request", lambda request: _note_foreign(request.url, faults))
    yield page
    context.close()
    assert faults == []


def _note_foreign(address: str, faults: list[str]) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("blob", "data") and parts.hostname != "127.0.0.1":
        faults.append(f"asked {address}")


@pytest.fixture(scope="session")
def made(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with photos and an index, made once."""
    return make_collection(tmp_path_factory.mktemp("made"), run)


@pytest.fixture(scope="session")
def gallery(made: Path) -> Iterator[str]:
    """Give the address of a gallery."""
    with running(made, "gallery", "photos.tvx") as address:
        yield address


@pytest.fixture
def home(page: Any, gallery: str) -> Any:
    """Give the gallery's page, all photos shown."""
    page.goto(gallery)
    page.wait_for_selector("#results li")
    return page


@pytest.fixture(scope="session")
def box_server(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("boxes")
    shutil.copytree(made / "photos", folder / "photos")
    (folder / "photos" / "2.png").write_bytes(b"no picture")
    with running(folder, "annotate", "boxes", "photos", "-o", "boxes.jsonl") as address:
        yield address, folder / "boxes.jsonl"


@pytest.fixture
def served(box_server: tuple[str, Path]) -> tuple[str, Path]:
    """Give the address of an editor with no boxes on disk, and the file that it writes."""
    address, file = box_server
    file.unlink(missing_ok=True)
    post(address, "api/reload")
    return address, file


@pytest.fixture
def editor(page: Any, served: tuple[str, Path]) -> Editor:
    """Give the editor at the photo 0.png, with no boxes on disk."""
    address, file = served
    page.goto(f"{address}?photo=0")
    page.wait_for_selector("#strip button[aria-current=true]")
    page.wait_for_selector("#stage image")
    return Editor(page, file)
