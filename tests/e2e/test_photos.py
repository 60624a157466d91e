"""Every kind of photo, good and bad, through the installed `tv`."""

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, picture
from PIL import Image

Tv = Callable[..., Ran]


def bomb() -> bytes:
    """Return a PNG of a few bytes that declares 60,000 x 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def good_photos(folder: Path) -> int:
    image = picture(1, 200, 160)
    for suffix in ("jpg", "png", "webp", "avif", "gif", "tiff", "bmp", "JPEG"):
        image.save(folder / f"plain.{suffix}")
    for mode in ("L", "LA", "RGBA", "P", "1", "CMYK", "I;16"):
        name = f"mode-{mode.replace(';', '')}"
        if mode == "CMYK":
            image.convert(mode).save(folder / f"{name}.jpg")
        elif mode == "I;16":
            wide = np.asarray(image.convert("L")).astype(np.uint16) * 257
            Image.fromarray(wide).save(folder / f"{name}.png")
        else:
            image.convert(mode).save(folder / f"{name}.png")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(folder / f"turned-{orientation}.jpg", exif=exif)
    for name in ("with space", "new\nline", "ünïcödé 写真", "-dash", "<b>&amp;'\"", "%s{0}$(id)"):
        image.save(folder / f"{name}.png")
    (folder / "link.png").symlink_to("plain.png")
    os.rename(folder / "plain.gif", os.fsencode(folder) + b"/caf\xe9.gif")  # noqa: PTH104
    return len(list(folder.iterdir()))


def bad_photos(folder: Path) -> set[str]:
    whole = (folder / "plain.jpg").read_bytes()
    contents = {
        "empty.jpg": b"",
        "text.jpg": b"this is no picture",
        "cut.jpg": whole[: len(whole) // 2],
        "cut.png": (folder / "plain.png").read_bytes()[:100],
        "bomb.png": bomb(),
        "garbage.webp": os.urandom(500),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "dangling.jpg").symlink_to("nowhere")
    (folder / "self.jpg").symlink_to("self.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return {*contents, "dangling.jpg", "self.jpg", "pipe.jpg"}


@pytest.mark.parametrize("command", ["encode", "index"])
def test_a_bad_photo_never_stops_a_batch(tv: Tv, tmp_path: Path, command: str) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    good = good_photos(folder)
    bad = bad_photos(folder)
    (folder / "notes.txt").write_text("not a photo, and not meant to be")
    target, errors = tmp_path / "made.tvx", tmp_path / "errors.jsonl"
    ran = tv(command, folder, "-o", target, "--size", 64, "--errors", errors)
    assert ran.status == 0, ran.err
    assert f", {len(bad)} skipped in" in ran.err.splitlines()[-1]
    told = [json.loads(line) for line in errors.read_text().splitlines()]
    assert {skip["image"] for skip in told} == {str(folder / name) for name in bad}
    assert all(skip["reason"] and "\n" not in skip["reason"] for skip in told)
    assert json.loads(tv("info", target, "--json").out)["rows"] == good
    assert tv(command, folder, "-o", tmp_path / "x", "--size", 64, "--strict").status == 3


def test_upright_pictures_are_the_same_to_a_search(tv: Tv, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    good_photos(folder)
    tv("index", folder, "-o", tmp_path / "x.tvx", "--size", 64)
    names = ("plain.webp", "plain.bmp", "plain.jpg", "plain.tiff", "turned-1.jpg")
    ran = tv("search", folder / "plain.png", "-i", tmp_path / "x.tvx", "-k", 40)
    similarity = {
        Path(hit["image"]).name: hit["similarity"] for hit in map(json.loads, ran.out.splitlines())
    }
    assert min(similarity[name] for name in names) > 0.95
    assert similarity["turned-3.jpg"] < similarity["turned-1.jpg"]
