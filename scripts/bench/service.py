"""Requests a second of `tv serve`, how long each takes, and its memory.

    python -m scripts.bench.service PHOTOS [--clients 4] [--seconds 15]

Photos are indexed with mini. Clients then search as fast as they are answered, each with photos
that it sends, or with items of the index. Prints one table.
"""

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

TV = Path(sys.executable).parent / "tv"
TOKEN = "a token for the benchmark"
SUFFIXES = (".jpg", ".jpeg", ".png")
SMAPS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@contextmanager
def serving(index: Path, workers: int) -> Iterator[tuple[str, int]]:
    """Give the address of `tv serve` and the number of its process."""
    command: list[str | Path] = [TV, "serve", index, "--port", "0", "--workers", str(workers)]
    environment = os.environ | {"TV_SERVE_TOKEN": TOKEN, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        address = process.stderr.readline().split(" serves ")[0]
        for _ in range(600):
            try:
                asked(address, json.dumps({"k": 1, "like": []}).encode(), "application/json")
                break
            except OSError:
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


def asked(address: str, body: bytes, kind: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": kind}
    connection.request("POST", "/v1/search", body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def loaded(
    address: str, bodies: list[bytes], kind: str, clients: int, seconds: float
) -> list[float]:
    """Return how long each search took, of clients that ask as fast as they are answered."""
    took: list[float] = []
    ends = time.monotonic() + seconds

    def ask(first: int) -> None:
        number = first
        while time.monotonic() < ends:
            started = time.perf_counter()
            status = asked(address, bodies[number % len(bodies)], kind)
            assert status == 200, status
            took.append(time.perf_counter() - started)
            number += clients

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def memory(process: int) -> float:
    """Return the MiB of a process and those it began, pages that they share counted once."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    total = 0
    for number in [process, *map(int, children)]:
        total += sum(map(int, SMAPS.findall(Path(f"/proc/{number}/smaps_rollup").read_text())))
    return total / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=15)
    given = parser.parse_args()
    photos = sorted(p for p in given.photos.rglob("*") if p.suffix.lower() in SUFFIXES)
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "photos.tvx"
        subprocess.run([TV, "index", given.photos, "-o", index, "-q"], check=True)
        names = [os.path.relpath(photo, given.photos) for photo in photos[:200]]
        items = [json.dumps({"item": name}).encode() for name in names]
        sent = [photo.read_bytes() for photo in photos[:200]]
        print(f"{len(photos)} photos, {given.clients} clients, {given.seconds:g} s each\n")
        print("| workers | search by | searches/s | median, ms | 99 %, ms | memory, MiB |")
        print("|---|---|---|---|---|---|")
        for workers in (1, 2):
            with serving(index, workers) as (address, process):
                for way, bodies, kind in (
                    ("item", items, "application/json"),
                    ("photo sent", sent, "image/jpeg"),
                ):
                    took = loaded(address, bodies, kind, given.clients, given.seconds)
                    median, most = np.percentile(took, (50, 99)) * 1000
                    rate = len(took) / given.seconds
                    print(
                        f"| {workers} | {way} | {rate:.0f} | {median:.0f} | {most:.0f} | "
                        f"{memory(process):.0f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
