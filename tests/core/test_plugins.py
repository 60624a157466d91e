"""HEIC and JPEG XL, by plugins of Pillow that may not be there."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, picture
from PIL import Image

from tvcli.core.images import known_pictures
from tvcli.core.images.exif import exif_fields
from tvcli.core.images.photo import BadImage, decode_photo, photo_format, photo_size
from tvcli.core.reports import Report

Tv = Callable[..., Ran]


def encoded(image: Image.Image, format: str, **more: Any) -> bytes:
    """Return a picture as HEIC or JPEG XL; skips where the plugin is not there."""
    if format == "HEIF":
        heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
        heif.register_heif_opener()
    else:
        pytest.importorskip("pillow_jxl", reason="extra jxl")
    stream = io.BytesIO()
    image.save(stream, format, quality=95, **more)
    return stream.getvalue()


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = orientation, "Pixel 8"
    return exif


@pytest.mark.parametrize("format", ["HEIF", "JXL"])
def test_pictures_are_decoded_upright_and_bounded(format: str) -> None:
    image = picture(1, 320, 240)
    data = encoded(image, format)
    photo = decode_photo(data)
    assert (photo.width, photo.height) == photo_size(data) == (320, 240)
    assert photo_format(data) == format
    difference = np.abs(np.asarray(photo.image, np.float32) - np.asarray(image, np.float32))
    assert difference.mean() < 4
    with pytest.raises(BadImage):
        decode_photo(data[: len(data) // 3])


def test_a_heic_that_was_turned_is_shown_upright() -> None:
    data = encoded(picture(1, 320, 240), "HEIF", exif=exif_of(6).tobytes())
    photo, upright = decode_photo(data), picture(1, 320, 240).rotate(-90, expand=True)
    assert (photo.width, photo.height) == photo_size(data) == (240, 320)
    assert np.abs(np.asarray(photo.image, float) - np.asarray(upright, float)).mean() < 4
    assert exif_fields(data) == {"camera": "Pixel 8"}


def test_the_exif_of_a_jpeg_xl_does_not_turn_it_again() -> None:
    data = encoded(picture(1, 320, 240), "JXL", exif=exif_of(6).tobytes())
    photo = decode_photo(data)
    assert (photo.width, photo.height) == photo_size(data) == (320, 240)
    assert exif_fields(data) == {"camera": "Pixel 8"}


@pytest.mark.parametrize("format, suffix", [("HEIF", "heic"), ("JXL", "jxl")])
def test_folders_of_them_are_indexed_and_shown(
    format: str, suffix: str, tmp_path: Path, tv: Tv
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.{suffix}").write_bytes(encoded(picture(number, 320, 240), format))
    picture(2, 320, 240).save(folder / "two.jpg", quality=95)
    index = tmp_path / "a.tvx"
    assert "5 photos" in tv("index", folder, "-o", index).err
    ran = tv("search", folder / "two.jpg", "-i", index, "-k", 2)
    hits = [json.loads(line) for line in ran.out.splitlines()]
    assert [Path(hit["image"]).name for hit in hits] == ["two.jpg", f"2.{suffix}"]
    assert hits[1]["similarity"] > 0.98
    page = tv("search", folder / "two.jpg", "-i", index, "-k", 2, "--format", "html").out
    assert page.count("data:image/jpeg") == 3


@pytest.mark.parametrize(
    "start, module, told",
    [
        (b"\0\0\0\x1cftypheic", "pillow_heif", "pip install pillow-heif"),
        (b"\xff\x0a", "pillow_jxl", "pip install 'tvcli[jxl]'"),
    ],
)
def test_without_the_plugin_it_is_said_what_to_install(
    start: bytes, module: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for register in (known_pictures._register_heif, known_pictures._register_jxl):
        register.cache_clear()
    for read in (decode_photo, photo_size, photo_format):
        with pytest.raises(BadImage) as raised:
            read(start + b"\0" * 100)
        assert told in str(raised.value)


def test_what_is_left_out_says_what_to_install() -> None:
    report = Report()
    for name in ("a.heic", "b.HEIC", "c.psd"):
        report.leave_out(name)
    assert report.left_out_text() == "2 .heic, 1 .psd left out (pip install pillow-heif)"
    report.leave_out("d.NEF")
    assert report.left_out_text().endswith("(pip install 'tvcli[raw]' pillow-heif)")
