"""Somebody who reaches the port of a page, through the installed `tv`: nothing is to be had."""

import io
import json
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from conftest import picture
from pages import enter, make_collection, printed_address, started
from PIL import Image

from tvcli.cli import run
from tvcli.serve.connections import MOST, QUIET

Gallery = tuple[str, IO[str], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with photos and an index."""
    return make_collection(tmp_path_factory.mktemp("made"), run)


@pytest.fixture
def gallery(made: Path) -> Iterator[Gallery]:
    """Give the address that a gallery prints, its stderr, and its folder."""
    with started(made, "gallery", "photos.tvx") as (address, stderr):
        yield address, stderr, made


def asked(home: str, path: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urlopen(Request(home + path, headers=headers), timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def connected(home: str) -> socket.socket:
    parts = urlsplit(home)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def test_an_address_that_was_seen_opens_nothing(gallery: Gallery) -> None:
    address, stderr, _ = gallery
    home, _, ticket = address.partition("#ticket=")
    session = enter(home, ticket)
    assert ticket not in session.values()
    with pytest.raises(HTTPError) as refused:
        enter(home, ticket)
    refused.value.close()
    assert refused.value.code == 401
    for guess in (ticket, session["pictures"]):
        assert asked(home, "api/items", Authorization=f"Bearer {guess}")[0] == 401
        assert asked(home, f"api/items?token={guess}&pass={guess}")[0] == 401
    assert asked(home, "api/items", Cookie=f"tv={session['token']}")[0] == 401
    new, _, other = printed_address(stderr).partition("#ticket=")
    assert (new, other != ticket) == (home, True)
    assert enter(new, other) == session
    assert asked(home, "api/items", Authorization=f"Bearer {session['token']}")[0] == 200


def test_requests_that_are_none(gallery: Gallery) -> None:
    home = gallery[0].partition("#")[0]
    for target in (
        b"//evil.example/?token=x",
        b"/%0d%0aa:b?token=%0d%0a",
        b"/pictures/" + b"9" * 5000,
    ):
        with connected(home) as link:
            link.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head = link.recv(4096).partition(b"\r\n\r\n")[0]
            assert head.startswith((b"HTTP/1.1 401", b"HTTP/1.1 414")), head
            assert b"location" not in head.lower() and b"evil" not in head
    for sent in (
        b"GET / HTTP/1.1\r\nHost: \x00\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
    ):
        with connected(home) as link:
            link.sendall(sent + b"\r\n\r\n")
            assert link.recv(4096).startswith(b"HTTP/1.1 400")
    with connected(home) as link:
        link.sendall(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)
        assert link.recv(4096).startswith(b"HTTP/1.1 400")


def test_half_open_connections_keep_nobody_out(gallery: Gallery) -> None:
    home = gallery[0].partition("#")[0]
    links = [connected(home) for _ in range(MOST + 100)]
    try:
        for link in links[-50:]:
            link.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        assert asked(home, "")[0] == 200
        ends = time.monotonic() + 3 * QUIET
        for link in links:
            link.settimeout(max(0.1, ends - time.monotonic()))
            try:
                assert link.recv(1) == b""
            except ConnectionResetError:
                continue
    finally:
        for link in links:
            link.close()


def test_a_large_picture_is_decoded_once(gallery: Gallery) -> None:
    address, _, folder = gallery
    home, _, ticket = address.partition("#ticket=")
    session = enter(home, ticket)
    buffer = io.BytesIO()
    Image.new("RGB", (9900, 9900), "teal").save(buffer, "PNG", compress_level=1)
    bearer = {"Authorization": f"Bearer {session['token']}", "Content-Type": "image/png"}
    upload = Request(f"{home}api/files", buffer.getvalue(), bearer, method="POST")
    with urlopen(upload, timeout=60) as answer:
        name = json.load(answer)["file"]
    path = f"api/files/{name}/picture?pass={session['pictures']}"
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: asked(home, path), range(12)))
    assert {status for status, _ in answers} == {200}
    assert len({data for _, data in answers}) == 1
    (process,) = [p for p in Path("/proc").glob("[0-9]*") if _is_of(p, folder)]
    status = (process / "status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak < 2.5 * 2**20, f"{peak / 2**20:.1f} GiB"


def _is_of(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").resolve() == folder and b"gallery" in (
            process / "cmdline"
        ).read_bytes()
    except OSError:
        return False


def test_others_are_warned_of(made: Path) -> None:
    """What listens for all says what that means; what listens for oneself has nothing to say."""
    listening = "gallery", "photos.tvx", "--host", "0.0.0.0"
    with started(made, *listening, first="warning: ") as (line, stderr):
        printed_address(stderr, "http://")  # from here on Ctrl-C ends it well
        assert "nothing is encrypted" in line and "--host 0.0.0.0" in line


def test_thumbnails_are_private(gallery: Gallery) -> None:
    address, _, folder = gallery
    home, _, ticket = address.partition("#ticket=")
    session = enter(home, ticket)
    assert asked(home, f"pictures/0?pass={session['pictures']}")[0] == 200
    kept = list((folder / "cache" / "tv" / "pictures").rglob("*"))
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in kept}
    assert modes == {(True, 0o700), (False, 0o600)}
    assert os.stat(folder / "cache" / "tv" / "pictures").st_mode & 0o777 == 0o700  # noqa: PTH116


def test_records_name_what_is_not_theirs(made: Path, tmp_path: Path) -> None:
    """Records and a link that came with photos, which name photos elsewhere."""
    (tmp_path / "set" / "photos").mkdir(parents=True)
    (tmp_path / "own").mkdir()
    picture(1).save(tmp_path / "set" / "photos" / "0.png")
    picture(2).save(tmp_path / "own" / "secret.png")
    (tmp_path / "set" / "photos" / "link.png").symlink_to(tmp_path / "own" / "secret.png")
    names = ["photos/0.png", "../own/secret.png", str(tmp_path / "own" / "secret.png")]
    names.append("photos/link.png")
    lines = [json.dumps({"image": name, "box": [0, 0, 9, 9]}) for name in names]
    (tmp_path / "set" / "boxes.jsonl").write_text("\n".join(lines) + "\n")
    words = ("annotate", "boxes", "boxes.jsonl", "-o", "new.jsonl")
    for more, expected in (((), 403), (("--allow", "../own"), 200)):
        with started(tmp_path / "set", *words, *more) as (address, _):
            home, _, ticket = address.partition("#ticket=")
            key = enter(home, ticket)["pictures"]
            found = [asked(home, f"pictures/{place}?pass={key}")[0] for place in range(3)]
            assert found == [200, expected, expected]


def test_an_index_names_what_is_not_its_own(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Photos that an index has outside its root are put into no page, unless they are allowed."""
    before = Path.cwd()
    (tmp_path / "set").mkdir()
    (tmp_path / "own").mkdir()
    picture(1).save(tmp_path / "set" / "0.png")
    picture(2).save(tmp_path / "own" / "secret.png")
    (tmp_path / "list.txt").write_text("set/0.png\nown/secret.png\n")
    os.chdir(tmp_path)
    try:
        index = ["index", "list.txt", "-o", "set/x.tvx", "--root", "set", "--size", "64", "-q"]
        assert run(index) == 0
        for more, count in (([], 2), (["--allow", "own"], 3)):
            capfd.readouterr()
            page = ["search", "set/0.png", "-i", "set/x.tvx", "--format", "html", *more]
            assert run(page) == 0
            assert capfd.readouterr().out.count("data:image/jpeg") == count
    finally:
        os.chdir(before)
