"""Nothing is sent anywhere: not by any command, nor because an index names an address."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

DENIED = """
import os, sys

def deny(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] == "127.0.0.1":
        return  # to listen on: nothing is sent for it
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"):
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(f"{event} {arguments!r}\\n")
        raise OSError(f"denied: {event}")

sys.addaudithook(deny)
"""
COMMANDS = (
    "index photos -o i.tvx --size 64 --keypoints",
    "search photos/0.png -i i.tvx",
    "search photos/0.png -i i.tvx --verify default",
    "index photos -o i.tvx --update",
    "info i.tvx",
    "encode photos -o e.h5 --size 64",
    "triplets e.h5 --labels labels.jsonl --test 0 -o t.jsonl",
    "train-rank e.h5 t.jsonl -o rank.h5",
    "eval triplets e.h5 t.jsonl",
    "merge e.h5 -o m.h5",
    "eval search i.tvx --truth folders",
    "dedupe i.tvx",
    "copies photos -o copies --kinds scale",
    "crops boxes.jsonl -o crops.jsonl",
    "encode crops.jsonl -o crops.h5",
    "train-classifier crops.h5 -o c.h5",
    "train-boxes crops.h5 -o b.h5",
    "locate photos --classifier c.h5 --boxes b.h5",
    "eval boxes boxes.jsonl boxes.jsonl",
    "config",
    "completion bash",
)
# In one process, whose Python notes what is attempted: torch is imported once and not ten times.
ONE_AFTER_THE_OTHER = """
import os, sys
from tvcli.cli import run

for command in sys.argv[1:]:
    sys.stderr.write("\\x1e")
    status = run(command.split())
    sys.stderr.write(f"status {status}")
    if os.path.exists(os.environ["CONNECTIONS"]):
        sys.exit(f"attempted: {open(os.environ['CONNECTIONS']).read()}")
"""
PAGES = (
    "gallery i.tvx --no-open --port 0",
    "annotate boxes photos -o drawn.jsonl --no-open --port 0",
    "annotate triplets i.tvx -o clicks.jsonl --no-open --port 0",
)


@pytest.fixture
def denied(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which Python connects nowhere and notes each attempt."""
    (tmp_path / "deny").mkdir()
    (tmp_path / "deny" / "sitecustomize.py").write_text(DENIED)
    return {"PYTHONPATH": str(tmp_path / "deny"), "CONNECTIONS": str(tmp_path / "attempts")}


@pytest.fixture
def trap() -> Iterator[tuple[int, list[bytes]]]:
    """Listen as the attacker's database would; give the port and what came."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = False

        def listen() -> None:
            while not over:
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    came.append(connection.recv(100))

        thread = Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], came
        over = True
        thread.join()


def test_attempts_are_noted(denied: dict[str, str]) -> None:
    code = "import socket; socket.create_connection(('example.org', 9))"
    environment = {**os.environ, **denied}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode
    assert "socket.getaddrinfo" in Path(denied["CONNECTIONS"]).read_text()


def test_no_command_connects(download: Path, victim: Any, denied: dict[str, str]) -> None:
    lines = [
        json.dumps({"image": f"photos/{n}.png", "width": 96, "height": 80, "box": [5, 5, 60, 70]})
        for n in range(3)
    ]
    (download / "boxes.jsonl").write_text("\n".join(lines) + "\n")
    labels = [json.dumps({"image": f"photos/{n}.png", "label": "aab"[n]}) for n in range(3)]
    (download / "labels.jsonl").write_text("\n".join(labels) + "\n")
    environment = {**os.environ, **denied}
    ran = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, *COMMANDS],
        cwd=download,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said = ran.stderr.split("\x1e")[1:]
    for command, own in zip(COMMANDS, said, strict=True):
        assert "not expected" not in own and "denied" not in own, (command, own)
        assert own.endswith(("status 0", "status 1")), (command, own)
    for command in PAGES:
        tv = Path(sys.executable).parent / "tv"
        with subprocess.Popen(
            [str(tv), *command.split()],
            cwd=download,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as page:
            assert page.stderr is not None
            said = page.stderr.readline()
            page.send_signal(signal.SIGTERM)
            page.communicate(timeout=60)
        assert "http://" in said
        assert not Path(denied["CONNECTIONS"]).exists(), command


@pytest.fixture
def mailed(make_index: Callable[..., Path], trap: tuple[int, list[bytes]]) -> str:
    """Give the address in an index that came by mail."""
    file = make_index()
    manifest = json.loads(file.read_text())
    url = f"postgresql://me@127.0.0.1:{trap[0]}/x"
    manifest |= {"engine": "postgresql", "segments": [], "removed": []}
    manifest["forest"] = {"url": url, "table": "tv_x", "rows": 3, "effort": 40}
    file.write_text(json.dumps(manifest))
    return url


def test_an_index_that_names_a_database_connects_nowhere(
    victim: Any, trap: tuple[int, list[bytes]], mailed: str, tmp_path: Path
) -> None:
    commands = (
        "search photos/0.png -i i.tvx",
        "search --item 0.png -i i.tvx",
        "index photos -o i.tvx --update",
        "gallery i.tvx --no-open",
        "annotate triplets i.tvx -o c.jsonl --no-open",
        "eval search i.tvx --truth folders",
        "dedupe i.tvx",
    )
    attempts = str(tmp_path / "attempts")
    python = (sys.executable, "-c", ONE_AFTER_THE_OTHER)
    ran = victim(*commands, program=python, PGPASSWORD="secret", CONNECTIONS=attempts)
    assert ran.returncode == 0, ran.stderr
    for command, said in zip(commands, ran.stderr.split("\x1e")[1:], strict=True):
        line, status = said.splitlines()
        assert status == "status 4", (command, said)
        assert "never named" in line and mailed in line and "--database" in line, command
    assert trap[1] == []


def test_info_only_reads(victim: Any, trap: tuple[int, list[bytes]], mailed: str) -> None:
    ran = victim("info", "i.tvx", "--json", PGPASSWORD="secret")
    assert ran.returncode == 0 and json.loads(ran.stdout)["forest"]["url"] == mailed
    assert trap[1] == []


def test_what_the_user_names_is_remembered(
    home: Path, victim: Any, trap: tuple[int, list[bytes]], mailed: str
) -> None:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    search = ["search", "photos/0.png", "-i", "i.tvx"]
    assert victim(*search, "--database", f"{mailed}y").returncode == 4  # another than it names
    assert trap[1] == []
    assert victim(*search, "--database", mailed).returncode == 3  # the trap is no database
    before = len(trap[1])
    assert before > 0
    assert victim(*search).returncode == 3 and len(trap[1]) > before
    file = home / ".local" / "state" / "tv" / "named.json"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o666)  # others may have written it
    assert victim(*search).returncode == 4


def test_an_index_that_names_weights_downloads_nothing(
    make_index: Callable[..., Path], victim: Any, denied: dict[str, str], tmp_path: Path
) -> None:
    file = make_index()
    manifest = json.loads(file.read_text())
    names = ["alexnet", *(["timm:resnet10t.c3_in1k"] if find_spec("timm") else [])]
    for name in names:
        manifest["settings"]["encoder"]["backbone"] |= {"name": name, "weights": "0" * 64}
        file.write_text(json.dumps(manifest))
        empty = {"TORCH_HOME": str(tmp_path / "torch"), "HF_HOME": str(tmp_path / "hf")}
        ran = victim("search", "photos/0.png", "-i", "i.tvx", **denied, **empty)
        assert ran.returncode == 4 and ran.stderr.count("\n") == 1, ran.stderr
        assert "not downloaded" in ran.stderr and "--weights" in ran.stderr
        assert not Path(denied["CONNECTIONS"]).exists()
