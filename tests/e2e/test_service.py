"""`tv serve` as a shop runs it: several workers, an update meanwhile, and an end without loss."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from conftest import picture

TV = Path(sys.executable).parent / "tv"
TOKEN = "0123456789abcdef"
PATIENCE = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with an index of six photos."""
    (tmp_path / "photos").mkdir()
    for number in range(6):
        picture(number).save(tmp_path / "photos" / f"{number}.png")
    index(tmp_path)
    return tmp_path


def index(folder: Path, *more: str) -> None:
    command = [TV, "index", "photos", "-o", "photos.tvx", "--size", "64", "-q", *more]
    subprocess.run(command, cwd=folder, check=True, timeout=PATIENCE)


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Give the address of a service with two workers, and its process."""
    process = subprocess.Popen(
        [TV, "serve", "photos.tvx", "--port", "0", "--workers", "2"],
        cwd=folder, env=os.environ | {"TV_SERVE_TOKEN": TOKEN}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        address, _, names = line.strip().partition(" serves ")
        assert (address.startswith("http://127.0.0.1:"), names) == (True, "photos"), line
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                ask(address, "/health")
                break
            except OSError:
                assert time.monotonic() < ends
                time.sleep(0.1)
        yield address, process
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


def ask(address: str, path: str, wanted: dict[str, object] | None = None) -> dict[str, object]:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    data = None if wanted is None else json.dumps(wanted).encode()
    with urlopen(Request(address + path, data, headers), timeout=PATIENCE) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def test_workers_answer_while_the_index_is_updated_and_end_cleanly(
    folder: Path, served: tuple[str, "subprocess.Popen[str]"]
) -> None:
    address, process = served
    failed: list[BaseException] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            try:
                assert len(ask(address, "/v1/search", {"item": "3.png", "k": 3})["hits"]) == 3
            except BaseException as error:
                failed.append(error)
                return

    threads = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    picture(77).save(folder / "photos" / "77.png")
    index(folder, "--update")
    ends = time.monotonic() + PATIENCE
    seen = 0
    while seen < 6:  # each worker, whichever answers
        told = ask(address, "/v1/indexes")["indexes"]
        seen = seen + 1 if told[0]["rows"] == 7 else 0  # type: ignore[index]
        assert time.monotonic() < ends
        time.sleep(0.2)
    done.set()
    for thread in threads:
        thread.join()
    assert not failed
    if find_spec("prometheus_client") is not None:
        request = Request(f"{address}/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        with urlopen(request) as answer:
            lines = answer.read().decode().splitlines()
        counted = [line for line in lines if line.startswith("tv_search_seconds_count")]
        assert len(counted) == 1 and float(counted[0].split()[-1]) >= 4
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) in (0, 143)


def test_without_a_token_nothing_is_served(folder: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TV_SERVE_TOKEN"}
    ran = subprocess.run(
        [TV, "serve", "photos.tvx"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 3
    assert "make one: openssl rand -hex 32 > token" in ran.stderr
