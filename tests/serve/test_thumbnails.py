"""The cache of thumbnails, and the turns of what is decoded."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import picture

from tvcli.serve import thumbnails
from tvcli.serve.thumbnails import Thumbnails
from tvcli.serve.turns import Turns


def test_the_oldest_thumbnails_go(tmp_path: Path) -> None:
    cache = Thumbnails(tmp_path / "cache", most_bytes=20_000)
    for number in range(30):
        path = tmp_path / f"{number}.png"
        picture(number, 300, 200).save(path)
        kept = cache.jpeg(path, "thumb")
        assert cache.jpeg(path, "thumb") == kept
        tag = cache.tag(path, "thumb")
        os.utime(tmp_path / "cache" / tag[:2] / f"{tag}.jpg", (number, number))
        files = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in files) <= 20_000
    newest = {cache.tag(tmp_path / f"{number}.png", "thumb") for number in (28, 29)}
    assert newest <= {file.stem for file in files}
    assert len(files) < 30


def test_a_thumbnail_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    shrink = thumbnails.shrink

    def counted(data: bytes, size: str) -> bytes:
        made.append(data)
        return shrink(data, size)

    monkeypatch.setattr(thumbnails, "shrink", counted)
    picture(1, 300, 200).save(tmp_path / "1.png")
    cache = Thumbnails(tmp_path / "cache")
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda _: cache.jpeg(tmp_path / "1.png", "thumb"), range(8)))
    assert (len(answers), len(made)) == (1, 1)


def test_no_more_is_decoded_at_a_time_than_may_be() -> None:
    turns, lock, now, most = Turns(100), threading.Lock(), [0], [0]

    def decode(pixels: int) -> None:
        with turns.turn(pixels):
            with lock:
                now[0] += min(pixels, 100)
                most[0] = max(most[0], now[0])
            threading.Event().wait(0.002)
            with lock:
                now[0] -= min(pixels, 100)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(decode, [10, 60, 500, 1, 99, 40, 40, 20, 0, 100] * 6))
    assert (now[0], most[0] <= 100, most[0] > 60) == (0, True, True)
