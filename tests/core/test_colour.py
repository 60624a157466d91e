"""Colours: profiles are converted, ranges are told, and what was stored before stays so."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import picture
from PIL import Image, ImageCms, TiffImagePlugin

from tvcli.core.encoding.encoder import encoder_of, make_encoder
from tvcli.core.files.records import Region
from tvcli.core.images.colour import _range
from tvcli.core.images.photo import decode_photo


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def pixels_of(data: bytes, colour: str = "managed") -> np.ndarray:
    return np.asarray(decode_photo(data, colour=colour).image, dtype=int)


def profile(primaries: tuple[tuple[float, float], ...], gamma: float) -> bytes:
    """Return a matrix profile of some primaries, made by editing that of sRGB."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    tags = {}
    for number in range(count):
        at = 132 + 12 * number
        tags[bytes(data[at : at + 4])] = int.from_bytes(data[at + 4 : at + 8], "big")
    white = np.array([0.9642, 1.0, 0.8249])
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    columns = columns * np.linalg.solve(columns, white)
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True):
        for place, value in enumerate(column):
            at = tags[name] + 8 + 4 * place
            data[at : at + 4] = round(value * 65536).to_bytes(4, "big", signed=True)
    return bytes(data).replace("sRGB".encode("utf-16-be"), "Wide".encode("utf-16-be"))


WIDE = profile(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), 1.8)


def wide_version(image: Image.Image) -> Image.Image:
    """Return a picture of sRGB in the colours of the wide profile."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(WIDE))
    return ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), target, ImageCms.Intent.RELATIVE_COLORIMETRIC
    )


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_a_photo_of_another_profile_is_that_of_srgb(format: str) -> None:
    image = picture(1)
    options = {} if format in ("PNG", "TIFF") else {"quality": 100}
    data = encoded(wide_version(image), format, icc_profile=WIDE, **options)
    truth = np.asarray(image, dtype=int)
    assert np.abs(pixels_of(data) - truth).mean() < 2.5
    assert np.abs(pixels_of(data, "stored") - truth).mean() > 10


def test_transparent_photos_are_converted_before_they_are_laid_on_white() -> None:
    image = picture(1)
    wide = wide_version(image)
    wide.putalpha(Image.linear_gradient("L").resize(wide.size))
    image.putalpha(wide.getchannel("A"))
    found = pixels_of(encoded(wide, "PNG", icc_profile=WIDE))
    assert np.abs(found - pixels_of(encoded(image, "PNG"))).mean() < 2.5


@pytest.mark.parametrize("bad", [b"", b"x", b"x" * 500, WIDE[:200]])
def test_a_profile_that_is_none_is_left_alone(bad: bytes) -> None:
    image = picture(1)
    assert (pixels_of(encoded(image, "PNG", icc_profile=bad)) == np.asarray(image)).all()


def test_a_profile_of_another_space_is_left_alone() -> None:
    grey = picture(1).convert("L")
    found = pixels_of(encoded(grey, "PNG", icc_profile=WIDE))
    assert (found[..., 0] == np.asarray(grey)).all()


GREY = np.linspace(0, 1, 256).reshape(16, 16)


@pytest.mark.parametrize(
    ("values", "tags", "white", "note"),
    [
        ((GREY * 4095).astype(np.uint16), {}, 4095, "its values reach 4095: 4095 is white"),
        ((GREY * 3000).astype(np.uint16), {}, 4095, "its values reach 3000: 4095 is white"),
        ((GREY * 65535).astype(np.uint16), {}, 65535, ""),
        ((GREY * 3000).astype(np.uint16), {281: 65535}, 65535, ""),
        ((GREY * 900).astype(np.uint16), {281: 4000}, 4000, "its tags say that 4000 is white"),
        (GREY.astype(np.float32), {}, 1, ""),
        ((GREY * 255).astype(np.float32), {}, 255, "its values reach 255: 255 is white"),
        ((GREY * 3).astype(np.float32), {}, 3, "its values reach 3: 3 is white"),
        ((GREY * 4000).astype(np.float32), {}, 4000, "its values reach 4000: 4000 is white"),
        ((GREY * 70000).astype(np.int32), {}, 70000, "its values reach 70000: 70000 is white"),
    ],
)
def test_ranges_of_more_than_8_bits(
    values: np.ndarray, tags: dict[int, int], white: float, note: str
) -> None:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    data = encoded(Image.fromarray(values), "TIFF", tiffinfo=directory)
    photo = decode_photo(data)
    expected = np.rint(values.astype(float) * 255 / white)
    assert np.abs(np.asarray(photo.image, dtype=float)[..., 0] - expected).max() <= 1
    assert photo.note == note


def test_the_way_of_colours_is_recorded_and_old_records_keep_theirs() -> None:
    new = make_encoder("mini", size=64)
    assert new.spec["colour"] == "managed"
    old_spec = {key: value for key, value in new.spec.items() if key != "colour"}
    old = encoder_of(old_spec, None)
    assert old.settings.colour == "stored"
    assert old.spec == old_spec


def test_a_photo_and_its_converted_copy_agree(tmp_path: Path) -> None:
    encoder = make_encoder("mini", pool="auto", size=128)
    image = picture(4, 256, 256)
    rows = []
    for data in (encoded(image, "PNG"), encoded(wide_version(image), "PNG", icc_profile=WIDE)):
        rows.append(encoder.encode([encoder.look(decode_photo(data), Region("a"))])[0].ravel())
    a, b = (row / np.linalg.norm(row) for row in rows)
    assert float(a @ b) > 0.99


def test_bits_per_sample_tell_the_range() -> None:
    assert _range("I;16", 30.0, {258: (12,)}) == (4095.0, "")
    assert _range("I;16", 30.0, {258: (16,)})[0] == 255.0


def test_colours_of_a_heic_are_managed() -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    heif.register_heif_opener()
    image = picture(3)
    managed, stored = (
        pixels_of(encoded(wide_version(image), "HEIF", icc_profile=WIDE, quality=95), colour)
        for colour in ("managed", "stored")
    )
    off = [np.abs(found - np.asarray(image, float)).mean() for found in (managed, stored)]
    assert off[0] < 4 < off[1]
