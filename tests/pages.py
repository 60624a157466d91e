"""What tests of the pages share: a collection with its index, and an app behind its gate."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import uvicorn
from conftest import picture
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tvcli.serve.access import Gate
from tvcli.serve.server import listen, page_config

TOKEN = "the-token"
ORIGIN = "http://127.0.0.1:1234"
SESSIONS: dict[str, dict[str, str]] = {}  # what a browser keeps that was let in, by address
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
    headers = {"origin": ORIGIN, "authorization": f"Bearer {TOKEN}"}
    with TestClient(Gate(app, TOKEN), base_url=ORIGIN, headers=headers) as client:
        yield client


@contextmanager
def started(
    folder: Path, *arguments: object, first: str = "http://127.0.0.1:"
) -> Iterator[tuple[str, IO[str]]]:
    """Run `tv` as a person would; give the address it prints and its stderr; end it by Ctrl-C."""
    command = [sys.executable, "-m", "tvcli", *map(str, arguments), "--no-open"]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("TV_INDEX", None)
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        yield printed_address(process.stderr, first), process.stderr
    finally:
        process.send_signal(signal.SIGINT)
        with process.stderr:
            status = process.wait(60)
            assert status == 0, (status, process.stderr.read())


def printed_address(stderr: IO[str], start: str = "http://127.0.0.1:") -> str:
    """Return the next address that `tv` prints, or the next line with another start."""
    lines: list[str] = []
    for line in stderr:
        lines.append(line)
        if line.startswith(start):
            return line.strip()
    raise AssertionError(lines)


@contextmanager
def running(folder: Path, *arguments: object) -> Iterator[str]:
    """Run `tv`, go in by its ticket, and give the address without it: see `SESSIONS`."""
    with started(folder, *arguments) as (address, _):
        home, _, ticket = address.partition("#ticket=")
        SESSIONS[home] = enter(home, ticket)
        yield home


def enter(home: str, ticket: str) -> dict[str, str]:
    """Exchange a ticket for the session, as the page does."""
    data = json.dumps({"ticket": ticket}).encode()
    with urlopen(Request(f"{home}api/session", data, method="POST"), timeout=60) as answer:
        session: dict[str, str] = json.load(answer)
    return session


def post(home: str, path: str) -> None:
    """Post nothing, as the page would that `running` let in."""
    headers = {"authorization": f"Bearer {SESSIONS[home]['token']}", "origin": home[:-1]}
    headers["content-type"] = "application/json"
    with urlopen(Request(home + path, b"{}", headers), timeout=60) as answer:
        assert answer.status == 200


@contextmanager
def threaded(app: ASGIApp) -> Iterator[str]:
    """Serve an app on a thread of the tests, for what cannot be had from a command line."""
    listener = listen("127.0.0.1", 0)
    gate = Gate(app, TOKEN)
    server = uvicorn.Server(page_config(gate))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    home = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    SESSIONS[home] = gate.entrance.session.as_json()
    try:
        yield home
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
