"""Colours: profiles are converted, ranges are told, and what was stored before stays so."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import picture
from PIL import Image, ImageCms, TiffImagePlugin

from tvcli.core.encoding.encoder import encoder_of, make_encoder
from tvcli.core.files.records import Region
from tvcli.core.images.adobe_rgb import adobe_rgb_profile
from tvcli.core.images.colour import white_of
from tvcli.core.images.deep_colours import with_full_range
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
    assert white_of("I;16", 30.0, {258: (12,)}) == (4095.0, "")
    assert white_of("I;16", 30.0, {258: (16,)})[0] == 255.0


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


def with_colour_space(space: int | None, index: str | None) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    if space is not None:
        exif.get_ifd(0x8769)[0xA001] = space
    if index is not None:
        exif.get_ifd(0x8769)[0xA005] = {1: index}
    return exif


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize(
    ("space", "index", "is_adobe"),
    [
        (0xFFFF, "R03", True),
        (2, None, True),
        (None, "R03", True),
        (0xFFFF, None, False),
        (0xFFFF, "R98", False),
        (1, "R03", False),
        (1, None, False),
    ],
)
def test_adobe_rgb_is_told_by_exif(
    format: str, space: int | None, index: str | None, is_adobe: bool
) -> None:
    image = picture(1)
    source = ImageCms.createProfile("sRGB")
    target = ImageCms.ImageCmsProfile(io.BytesIO(adobe_rgb_profile()))
    adobe = ImageCms.profileToProfile(image, source, target)
    del adobe.info["icc_profile"]  # else it is saved, too
    options = {} if format in ("PNG", "TIFF") else {"quality": 100}
    data = encoded(adobe, format, exif=with_colour_space(space, index), **options)
    upright = np.rot90(np.asarray(image, dtype=int), -1)
    managed, stored = pixels_of(data), pixels_of(data, "stored")
    assert bool((managed != stored).any()) is is_adobe
    if is_adobe:
        assert np.abs(managed - upright).mean() < min(2, np.abs(stored - upright).mean())


def test_a_profile_counts_for_more_than_exif() -> None:
    image = picture(1)
    data = encoded(
        wide_version(image), "PNG", icc_profile=WIDE, exif=with_colour_space(0xFFFF, "R03")
    )
    upright = np.rot90(np.asarray(image, dtype=int), -1)
    assert np.abs(pixels_of(data) - upright).mean() < 2.5


def test_the_profile_of_adobe_rgb_has_its_known_values() -> None:
    """Values of sRGB for colours of Adobe RGB, by the standards' matrices and curves alone."""
    adobe = np.array([[200, 100, 50], [128, 128, 128], [90, 160, 120]])
    to_xyz = np.array(
        [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]
    )
    to_srgb = np.array(
        [[3.24045, -1.53714, -0.49853], [-0.96927, 1.87601, 0.04156], [0.05564, -0.20403, 1.05723]]
    )
    linear = ((adobe / 255) ** (563 / 256)) @ to_xyz.T @ to_srgb.T
    srgb = np.where(linear > 0.0031308, 1.055 * linear.clip(0) ** (1 / 2.4) - 0.055, 12.92 * linear)
    image = Image.fromarray(adobe.astype(np.uint8)[None])
    found = pixels_of(encoded(image, "PNG", icc_profile=adobe_rgb_profile()))[0]
    assert np.abs(found - np.rint(srgb.clip(0) * 255)).max() <= 1


def deep_picture(bits: int, format: str, mode: str, **options: object) -> tuple[bytes, np.ndarray]:
    """Return a picture of 16 bits a channel with values of fewer, and what it shows (H, W, 3)."""
    cv2 = pytest.importorskip("cv2")
    shown = np.asarray(picture(1, 64, 48), dtype=float)
    values = np.rint(shown / 255 * (2**bits - 1)).astype(np.uint16)[..., ::-1]
    if mode == "RGBA":
        values = np.dstack([values, np.full(values.shape[:2], 65535, np.uint16)])
    written, data = cv2.imencode(f".{format}", values)
    assert written
    return data.tobytes(), shown


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_colours_of_fewer_than_16_bits_in_files_of_16(bits: int, mode: str, format: str) -> None:
    data, shown = deep_picture(bits, format, mode)
    photo = decode_photo(data)
    assert np.abs(np.asarray(photo.image, dtype=float) - shown).max() <= 1
    assert (f"{2**bits - 1} is white" in photo.note) is (bits < 16)
    if bits <= 12:
        assert np.asarray(decode_photo(data, colour="stored").image).max() < 16


def test_deep_colours_are_turned_upright() -> None:
    data, shown = deep_picture(12, "png", "RGB")
    chunk = b"eXIf" + with_colour_space(None, None).tobytes().removeprefix(b"Exif\0\0")
    length, check = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
    turned = data[:33] + length + chunk + check + data[33:]
    assert np.abs(pixels_of(turned) - np.rot90(shown, -1)).max() <= 1


def test_of_tags_and_values_the_tags_tell_the_range_of_deep_colours() -> None:
    data, _ = deep_picture(10, "tiff", "RGB")
    tags = {281: (65535, 65535, 65535)}
    with Image.open(io.BytesIO(data)) as image, Image.open(io.BytesIO(data)) as again:
        upright = image.copy()
        found, note = with_full_range(upright, again, tags, white_of)
    assert (np.asarray(found) == np.asarray(upright)).all()
    assert note == ""
