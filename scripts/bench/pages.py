"""The pages over HTTP: a page of 60 thumbnails, a search on 100,000 items, the box editor's lists.

    python -m scripts.bench.pages [--rows 100000] [--photos 240] [--boxes 20000]

Photos are noise of 12 megapixels, a size phones take; thumbnails are asked for six at a time, as a
browser does. Vectors are drawn, as in scripts.bench.search. Times are medians in milliseconds.
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import uvicorn
from PIL import Image

from scripts.bench.search import SETTINGS, columns, drawn
from tvcli.core.files.sources import open_sources
from tvcli.core.indexes.building import build_index
from tvcli.serve.access import Gate
from tvcli.serve.pages import open_box_editor, open_gallery
from tvcli.serve.server import listen, page_config

TOKEN = "bench"
HEADERS = {"authorization": f"Bearer {TOKEN}"}
AT_ONCE = 6


@contextmanager
def listening(gate: Gate) -> Iterator[str]:
    """Serve a page in a thread; give its address."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(page_config(gate))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join()
    listener.close()


@contextmanager
def served(app: Any) -> Iterator[httpx.Client]:
    with (
        listening(Gate(app, TOKEN)) as address,
        httpx.Client(base_url=address, headers=HEADERS, timeout=120) as client,
    ):
        yield client


def median(work: Callable[[], Any], rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def draw_photos(folder: Path, count: int, kinds: int = 8) -> None:
    folder.mkdir()
    for number in range(count):
        path = folder / f"{number:05}.jpg"
        if number < kinds:
            coarse = np.random.default_rng(number).integers(0, 256, (64, 48, 3), np.uint8)
            Image.fromarray(coarse).resize((3000, 4000)).save(path, quality=88)
        else:
            path.write_bytes((folder / f"{number % kinds:05}.jpg").read_bytes())


def thumbnails(client: httpx.Client, first: int) -> None:
    client.get("/api/items", params={"offset": first, "limit": 60}).raise_for_status()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for answer in pool.map(lambda n: client.get(f"/pictures/{n}"), range(first, first + 60)):
            answer.raise_for_status()


def bench_gallery(folder: Path, photos: int, rows: int) -> dict[str, float]:
    draw_photos(folder / "photos", photos)
    vectors = drawn(rows, 1)
    block = columns(vectors, 0) | {"image": [f"{row % photos:05}.jpg" for row in range(rows)]}
    settings = SETTINGS | {"root": "../photos", "root_absolute": str(folder / "photos")}
    build_index(folder / "photos.tvx", iter([block]), settings, {"seed": 0})
    with open_gallery([folder / "photos.tvx"], None) as app, served(app) as client:
        shown = client.get("/api/items", params={"offset": 0, "limit": 60}).json()["items"]
        names = [item["key"] for item in shown]
        search = {"item": names[17], "k": 30}
        refined = search | {"like": [names[20], names[30]], "unlike": [names[40]]}
        for asked in (search, refined):
            client.post("/api/search", json=asked).raise_for_status()
        return {
            "60 thumbnails of 12 MP, first time": median(lambda: thumbnails(client, 0), 1),
            "60 thumbnails again": median(lambda: thumbnails(client, 0)),
            f"search among {rows:,}": median(lambda: client.post("/api/search", json=search), 20),
            "search with likes": median(lambda: client.post("/api/search", json=refined), 20),
            "a page of items": median(lambda: client.get("/api/items?offset=50000"), 20),
        }


def bench_boxes(folder: Path, photos: int) -> dict[str, float]:
    names = [f"{number:05}.jpg" for number in range(photos)]
    source = folder / "list.txt"
    source.write_text("".join(f"photos/{name}\n" for name in names))
    known: dict[str, Any] = {"width": 3000, "height": 4000, "box": [1, 1, 99, 99], "label": "x"}
    lines = [json.dumps({"image": f"photos/{name}", **known}) for name in names[: photos // 2]]
    output = folder / "boxes.jsonl"
    output.write_text("\n".join(lines) + "\n")
    before, started = Path.cwd(), time.perf_counter()
    os.chdir(folder)
    opened = open_box_editor(open_sources([str(source)], stdin=None), output)
    with opened as app, served(app) as client:
        client.get("/api/photos").raise_for_status()
        first = (time.perf_counter() - started) * 1000
        version = client.get("/api/photos/3").json()["version"]

        def save() -> None:
            nonlocal version
            known["box"] = [1, 1, 99, 199 - known["box"][3]]  # 100 and 99 in turns
            content = {"version": version, "boxes": [known]}
            version = client.put("/api/photos/3/boxes", json=content).json()["version"]

        result = {
            f"box editor on {photos:,} photos, to its first list": first,
            "a list of those without a box": median(
                lambda: client.get("/api/photos?filter=unboxed"), 20
            ),
            "the next photo without a box": median(
                lambda: client.get("/api/next?from=3&filter=unboxed"), 20
            ),
            "saving a change": median(save, 10),
        }
    os.chdir(before)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--photos", type=int, default=240)
    parser.add_argument("--boxes", type=int, default=20_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        times = bench_gallery(Path(name), asked.photos, asked.rows)
        times |= bench_boxes(Path(name), asked.boxes)
    print("| what | ms |\n|---|---|")
    for what, value in times.items():
        print(f"| {what} | {value:,.{0 if value >= 100 else 1}f} |")


if __name__ == "__main__":
    main()
