"""Camera RAW by its preview: which files are, how they are turned, what is said of bad ones."""

import io
import json
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, drawn, picture
from PIL import Image
from raw_files import dng, jpeg

from tvcli.core.images.exif import exif_fields
from tvcli.core.images.photo import BadImage, decode_photo, photo_format, photo_size
from tvcli.core.images.raw import is_raw

Tv = Callable[..., Ran]
PREVIEW = picture(1, 320, 240)
DNG = dng(jpeg(PREVIEW), (80, 60))
TORN = DNG.replace(jpeg(PREVIEW)[:-100], b"\xff\xd8\xff\xe0" + bytes(len(jpeg(PREVIEW)) - 104))
UNTURNED = {  # how what was stored is seen, by its orientation
    1: PREVIEW,
    2: PREVIEW.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: PREVIEW.rotate(180),
    6: PREVIEW.rotate(-90, expand=True),
    8: PREVIEW.rotate(90, expand=True),
}


@pytest.fixture
def rawpy() -> None:
    """Skip where the extra is not installed."""
    pytest.importorskip("rawpy", reason="extra raw")


def test_which_files_are_raw() -> None:
    begun = [b"\0\0\0\x18ftypcrx ", b"II*\0\x10\0\0\0CR\2\0", b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO"]
    assert all(map(is_raw, [DNG, *begun, b"II\x1a\0\0\0HEAPCCDR", b"\0MRM", b"FOVb"]))
    stream = io.BytesIO()
    PREVIEW.save(stream, "TIFF")
    assert not any(
        map(is_raw, [stream.getvalue(), jpeg(PREVIEW), b"", b"II*\0", b"MM\0*" + b"\xff" * 99])
    )
    with_filter = dng(jpeg(PREVIEW), (80, 60)).replace(
        struct.pack("<HHI", 50706, 1, 4), b"\xff" * 8
    )
    assert is_raw(with_filter), "by the photometric interpretation of a directory below the first"


def test_directories_that_lead_in_a_circle_end() -> None:
    circle = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 330, 4, 1, 8, 8)
    assert not is_raw(circle)


@pytest.mark.parametrize("orientation", UNTURNED)
def test_a_preview_is_turned_as_the_raw_says(rawpy: None, orientation: int) -> None:
    data = dng(jpeg(PREVIEW), (80, 60), orientation)
    photo, seen = decode_photo(data), UNTURNED[orientation]
    assert (photo.width, photo.height) == photo_size(data) == seen.size
    assert photo_format(data) == "RAW" and not photo.note
    assert np.abs(np.asarray(photo.image, float) - np.asarray(seen, float)).mean() < 4


def test_a_preview_that_the_camera_turned_is_not_turned_again(rawpy: None) -> None:
    data = dng(jpeg(UNTURNED[6]), (80, 60), 6)
    assert decode_photo(data).image.size == photo_size(data) == (240, 320)


def test_a_preview_is_decoded_at_the_scale_that_is_needed(rawpy: None) -> None:
    photo = decode_photo(dng(jpeg(picture(1, 1600, 1200)), (80, 60)), size=64)
    assert photo.image.width == 200 and (photo.width, photo.height) == (1600, 1200)


def test_fields_and_small_previews(rawpy: None) -> None:
    assert exif_fields(DNG) == {"camera": "Tests Camera 1", "taken": "2024-06-12T10:20:30"}
    small = decode_photo(dng(jpeg(picture(1, 160, 120)), (80, 60)))
    assert small.note == "its preview has only 160x120 pixels"


def test_bad_ones_have_a_reason_and_end(rawpy: None) -> None:
    for data in (TORN, b"IIRO\x08\0\0\0" + b"\xff" * 100):
        with pytest.raises(BadImage, match=r"^camera RAW (without|that is)"):
            decode_photo(data)
    rng = random.Random(0)
    for _ in range(300):
        damaged = bytearray(DNG)
        for _ in range(rng.choice((1, 4, 16))):
            damaged[rng.randrange(len(damaged) if rng.random() < 0.3 else 600)] = rng.randrange(256)
        for read in (decode_photo, photo_size):
            try:
                read(bytes(damaged))
            except BadImage as error:
                assert str(error) and "\n" not in str(error)


def test_folders_of_them_are_indexed_and_shown(rawpy: None, tmp_path: Path, tv: Tv) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        data = dng(jpeg(picture(number, 320, 240)), (80, 60))
        (folder / f"{number}.DNG").write_bytes(data)
    (folder / "torn.nef").write_bytes(TORN)
    picture(2, 320, 240).save(folder / "two.jpg", quality=95)
    index = tmp_path / "a.tvx"
    told = tv("index", folder, "-o", index).err
    assert "4 photos" in told and f"skipped {folder}/torn.nef: camera RAW" in told
    ran = tv("search", folder / "two.jpg", "-i", index, "-k", 2)
    hits = [json.loads(line) for line in ran.out.splitlines()]
    assert {Path(hit["image"]).name for hit in hits} == {"two.jpg", "2.DNG"}
    assert hits[1]["similarity"] > 0.98
    page = tv("search", folder / "two.jpg", "-i", index, "-k", 2, "--format", "html").out
    assert page.count("data:image/jpeg") == 3


def test_of_a_raw_and_its_jpeg_the_raw_is_kept(rawpy: None, tmp_path: Path, tv: Tv) -> None:
    (tmp_path / "a.dng").write_bytes(dng(jpeg(drawn(1)), (80, 60)))
    drawn(1).save(tmp_path / "a.jpg", quality=95)
    members = json.loads(tv("dedupe", tmp_path).out)["members"]
    assert {Path(member["image"]).name: member["action"] for member in members} == {
        "a.dng": "keep",
        "a.jpg": "drop",
    }


def test_without_the_extra_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    for read in (decode_photo, photo_size, photo_format):
        with pytest.raises(BadImage, match=r"pip install 'tvcli\[raw\]'"):
            read(DNG)
