import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tvcli.core.images import photo as images
from tvcli.core.images.photo import (
    BadImage,
    decode_photo,
    photo_size,
    read_photo,
    thumbnail,
    view,
)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(decode_photo(data).image, dtype=int)


@pytest.mark.parametrize(
    ("format", "tolerance"),
    [("PNG", 0), ("BMP", 0), ("TIFF", 0), ("WEBP", 20), ("AVIF", 20), ("JPEG", 20), ("GIF", 40)],
)
def test_formats(format: str, tolerance: int) -> None:
    image = picture(1)
    found = pixels_of(encoded(image, format))
    assert found.shape == (80, 96, 3)
    assert np.abs(found - np.asarray(image, dtype=int)).mean() <= tolerance / 4


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert tuple(pixels_of(data)[5, 5]) == (255, 0, 0)


def test_modes() -> None:
    grey = np.arange(0, 256, dtype=np.uint8).reshape(16, 16)
    wide = grey.astype(np.uint16) * 257
    assert (pixels_of(encoded(Image.fromarray(grey), "PNG"))[..., 0] == grey).all()
    assert (pixels_of(encoded(Image.fromarray(wide), "PNG"))[..., 1] == grey).all()
    assert (pixels_of(encoded(Image.fromarray(wide), "TIFF"))[..., 2] == grey).all()
    floats = Image.fromarray(grey.astype(np.float32) / 255)
    assert (pixels_of(encoded(floats, "TIFF"))[..., 0] == grey).all()
    bilevel = Image.fromarray(grey > 127)
    assert set(np.unique(pixels_of(encoded(bilevel, "PNG")))) == {0, 255}


def test_cmyk() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    found = pixels_of(encoded(red, "JPEG", quality=95))[8, 8]
    assert found[0] > 230
    assert max(found[1:]) < 30


def test_transparency_lies_on_white() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.putpixel((3, 3), (255, 0, 0, 255))
    image.putpixel((4, 4), (0, 0, 0, 128))
    found = pixels_of(encoded(image, "PNG"))
    assert tuple(found[0, 0]) == (255, 255, 255)
    assert tuple(found[3, 3]) == (255, 0, 0)
    assert tuple(found[4, 4]) == (127, 127, 127)
    palette = image.convert("RGB").quantize(4)
    palette.info["transparency"] = palette.getpixel((0, 0))
    data = encoded(palette, "PNG", transparency=palette.getpixel((0, 0)))
    assert tuple(pixels_of(data)[0, 0]) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [None, 16])
def test_exif_orientation(orientation: int, size: int | None) -> None:
    upright = picture(2, 320, 200)
    back = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }[orientation]
    stored = upright
    for step in back:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode_photo(encoded(stored, "JPEG", exif=exif, quality=95), size=size)
    assert (photo.width, photo.height) == (320, 200)
    crop = (20.0, 30.0, 180.0, 150.0)
    seen = view(photo, crop, 16, "squash").astype(int)
    truth = view(images.Photo(upright, 320, 200), crop, 16, "squash").astype(int)
    assert np.abs(seen - truth).mean() < 3


def test_draft_only_where_pixels_remain() -> None:
    data = encoded(picture(3, 800, 600), "JPEG")
    assert decode_photo(data).image.size == (800, 600)
    assert decode_photo(data, size=64).image.size == (200, 150)
    assert decode_photo(data, size=224).image.size == (800, 600)
    small = decode_photo(data, size=64, crops=[(0, 0, 100, 100)])
    assert small.image.size == (800, 600)
    assert (small.width, small.height) == (800, 600)


def test_draft_changes_next_to_nothing(real_data: Path) -> None:
    files = sorted((real_data / "raccoon" / "images").glob("*.jpg"))[:20]
    for file in files:
        data = file.read_bytes()
        full = view(decode_photo(data), None, 96, "squash").astype(int)
        scaled = view(decode_photo(data, size=96), None, 96, "squash").astype(int)
        assert np.abs(full - scaled).mean() < 3


def test_fits() -> None:
    image = Image.new("RGB", (100, 50), "blue")
    image.paste("red", (25, 0, 75, 50))
    photo = images.Photo(image, 100, 50)
    squashed, cropped, padded = (view(photo, None, 40, fit) for fit in ("squash", "crop", "pad"))
    assert tuple(squashed[20, 1]) == (0, 0, 255)
    assert tuple(cropped[20, 1]) == (255, 0, 0)
    assert tuple(padded[2, 20]) == images.PAD_COLOUR
    assert tuple(padded[20, 20]) == (255, 0, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "MPO"])
def test_the_size_read_alone_is_that_of_the_pixels(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(2, 64, 42), format, exif=exif)
    photo = decode_photo(data)
    expected = (42, 64) if orientation > 4 else (64, 42)
    assert photo_size(data) == (photo.width, photo.height) == photo.image.size == expected


def test_the_size_of_a_tiff_turned_by_its_xmp_alone() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    data = encoded(picture(2, 64, 42), "TIFF", tiffinfo={700: xmp})
    photo = decode_photo(data)
    assert photo_size(data) == (photo.width, photo.height) == photo.image.size == (42, 64)


def test_flip_mirrors() -> None:
    photo = decode_photo(encoded(picture(4), "PNG"))
    box = (10.0, 5.0, 60.0, 70.0)
    plain, mirrored = (view(photo, box, 32, "squash", flip=flip) for flip in (False, True))
    assert (plain[:, ::-1] == mirrored).all()


def test_a_crop_outside_is_refused() -> None:
    photo = decode_photo(encoded(picture(4), "PNG"))
    with pytest.raises(BadImage, match="outside"):
        view(photo, (200, 200, 300, 300), 32, "squash")


def test_thumbnail_keeps_its_shape() -> None:
    photo = decode_photo(encoded(picture(4, 400, 200), "PNG"))
    assert thumbnail(photo, 100).size == (100, 50)
    assert thumbnail(photo, 100, (0, 0, 50, 80)).size == (50, 80)


def test_bad_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    good = encoded(picture(5), "JPEG")
    for name, data, reason in [
        ("empty.jpg", b"", "empty file"),
        ("text.jpg", b"hello, I am text", "not a picture"),
        ("truncated.jpg", good[: len(good) // 2], "truncated"),
        ("header.png", b"\x89PNG\r\n\x1a\n", "cannot be|not a picture"),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadImage, match=reason):
            decode_photo(read_photo(tmp_path / name))
    (tmp_path / "link.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for name, reason in [
        ("link.jpg", "dangling link"),
        ("missing.jpg", "not found"),
        ("folder.jpg", "a folder, not a photo"),
    ]:
        with pytest.raises(BadImage, match=reason):
            read_photo(tmp_path / name)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_that_lacks_only_its_end_is_used(mode: str, progressive: bool) -> None:
    whole = encoded(picture(3, 400, 320).convert(mode), "JPEG", progressive=progressive)
    expected = pixels_of(whole)
    assert decode_photo(whole).note == ""
    for cut in (1, 2):
        found = decode_photo(whole[:-cut])
        assert found.note == "its end marker is missing"
        assert (np.asarray(found.image) == expected).all()
    with pytest.raises(BadImage, match="truncated"):
        decode_photo(whole[: len(whole) * 2 // 3])
    assert decode_photo(whole[:-2], size=32).image.size == decode_photo(whole, size=32).image.size


def test_a_jpeg_cut_in_its_last_rows_is_used_and_noted() -> None:
    random = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
    whole = encoded(Image.fromarray(random), "JPEG", quality=90)
    expected = pixels_of(whole)
    found = decode_photo(whole[: -len(whole) // 50])
    assert found.note == "its last 17 rows are missing"
    assert (np.asarray(found.image)[:-18] == expected[:-18]).all()
    with pytest.raises(BadImage, match="truncated"):
        decode_photo(whole[: -len(whole) // 10])


def test_a_progressive_jpeg_that_lacks_a_scan_is_truncated() -> None:
    whole = encoded(picture(3, 400, 320), "JPEG", progressive=True)
    for scan in [found.start() for found in re.finditer(b"\xff\xda", whole)]:
        with pytest.raises(BadImage, match="cannot be decoded"):
            decode_photo(whole[:scan])


def test_what_libtiff_says_is_the_reason_and_goes_nowhere_else(
    capfd: pytest.CaptureFixture[str],
) -> None:
    random = np.random.default_rng(0).integers(0, 2, (60, 400), np.uint8)
    content = bytearray(encoded(Image.fromarray(random > 0), "TIFF", compression="group4"))
    content[20:600] = bytes(580)
    warned = bytearray(encoded(picture(1), "TIFF", compression="jpeg"))
    warned[warned.index(b"\xff\xdb") + 1] = 0
    with ThreadPoolExecutor(2) as pool:
        shown = pool.map(
            pixels_of, [bytes(content)] * 3
        )  # libtiff says much, and shows what it can
        spoilt = list(pool.map(refusal, [bytes(warned)] * 3))
        assert [pixels.shape for pixels in shown] == [(60, 400, 3)] * 3
    assert all(reason.startswith("cannot be decoded: JPEGLib: ") for reason in spoilt)
    packed = bytearray(encoded(picture(1), "TIFF", compression="tiff_lzw"))
    packed[20:900] = bytes(880)
    assert "tempfile" not in refusal(bytes(packed))  # what Pillow calls every TIFF
    assert capfd.readouterr() == ("", "")


def refusal(data: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        decode_photo(data)
    return str(caught.value)


def test_a_decompression_bomb_is_refused() -> None:
    data = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(data) < 100_000
    with pytest.raises(BadImage, match="178 million pixels"):
        decode_photo(data)


@settings(max_examples=60)
@given(st.data(), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
def test_damaged_bytes_decode_or_are_refused(data: st.DataObject, format: str) -> None:
    content = bytearray(encoded(picture(6, 40, 30), format))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        photo = decode_photo(bytes(content[: cut or None]), size=32)
    except BadImage as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert photo.image.mode == "RGB"


@pytest.mark.parametrize(
    ("suffix", "width", "size", "together"),
    [
        ("PNG", 200, None, True),
        ("PNG", 201, None, False),
        ("PNG", 201, 8, False),
        ("JPEG", 201, None, False),
        ("JPEG", 201, 8, True),  # it is decoded at a part of its size
    ],
)
def test_of_large_photos_one_is_decoded_at_a_time(
    suffix: str, width: int, size: int | None, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "LARGE", 200 * 100)
    inside, most, decode = 0, 0, images._pixels
    both, counting = threading.Event(), threading.Lock()

    def counted(*given: Any, **more: Any) -> Any:
        nonlocal inside, most
        with counting:
            inside, most = inside + 1, max(most, inside + 1)
            if inside == 2:
                both.set()
        both.wait(60 if together else 0.05)  # for one that comes, or should not
        try:
            return decode(*given, **more)
        finally:
            with counting:
                inside -= 1

    monkeypatch.setattr(images, "_pixels", counted)
    Image.new("RGB", (width, 100)).save(kept := io.BytesIO(), suffix)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: decode_photo(kept.getvalue(), size=size), range(2)))
    assert [photo.width for photo in found] == [width] * 2
    assert most == (2 if together else 1)
