"""What tests of the pages share: a collection with its index, and an app behind its gate."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from conftest import picture
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tvcli.serve.access import Gate
from tvcli.serve.server import listen

TOKEN = "the-token"
ORIGIN = "http://127.0.0.1:1234"
HOSTILE = "<img src=x onerror=alert(1)>.jpg"


def make_collection(folder: Path, run: Callable[[list[str]], int]) -> Path:
    """Make `photos/` (nine photos, one of a hostile name, one of them broken) and `photos.tvx`."""
    (folder / "photos" / "inner").mkdir(parents=True)
    for number in range(6):
        picture(number, 240, 200).save(folder / "photos" / f"{number}.png")
    for number in (6, 7):
        picture(number, 240, 200).save(folder / "photos" / "inner" / f"{number}.png")
    picture(8, 240, 200).save(folder / "photos" / HOSTILE)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert run(["index", "photos", "-o", "photos.tvx", "--size", "64"]) == 0
    finally:
        os.chdir(before)
    return folder


@contextmanager
def client_of(app: ASGIApp) -> Iterator[TestClient]:
    """Give a client that is let in, as the page itself is."""
    gate = Gate(app, TOKEN, "127.0.0.1", 1234)
    with TestClient(gate, base_url=ORIGIN, headers={"origin": ORIGIN}) as client:
        assert client.get("/", params={"token": TOKEN}).status_code == 200
        yield client


@contextmanager
def running(folder: Path, *arguments: object) -> Iterator[str]:
    """Run `tv` as a person would, give its address, and end it as Ctrl-C does."""
    command = [sys.executable, "-m", "tvcli", *map(str, arguments), "--no-open"]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("TV_INDEX", None)
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("http://127.0.0.1:"):
            break
    assert lines and lines[-1].startswith("http"), lines
    try:
        yield lines[-1].strip()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, process.stderr.read()
        process.stderr.close()


@contextmanager
def threaded(app: ASGIApp) -> Iterator[str]:
    """Serve an app on a thread of the tests, for what cannot be had from a command line."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    config = uvicorn.Config(Gate(app, TOKEN, "127.0.0.1", port), log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/?token={TOKEN}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
