"""Located photos are decoded once: what is found is prepared for the encoder meanwhile."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import picture

from tvcli.core.boxes import Box
from tvcli.core.encoding import encode
from tvcli.core.encoding.encode import chunked, encode_chunks
from tvcli.core.encoding.encoder import Encoder, make_encoder
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source
from tvcli.core.images.photo import Photo
from tvcli.core.location import locating
from tvcli.core.location.locate import Located
from tvcli.core.reports import Report

FINER = 0.999  # cosine of rows of a JPEG decoded to twice the pixels: 0.9999 is usual
SIZE = 64


@dataclass
class Knowing:
    """A locator that knows where objects are, as shares of the photo."""

    encoder: Encoder
    boxes: tuple[Box, ...]

    def locate(self, photo: Photo) -> list[Located]:
        sides = np.tile([photo.width, photo.height], 2)
        return [Located(tuple(np.array(box) * sides), 0.9) for box in self.boxes]

    def locate_all(self, photos: list[Photo]) -> list[list[Located]]:
        return [self.locate(photo) for photo in photos]


@dataclass
class Rows:
    located: Any
    again: Any
    opened: int  # photos decoded for the located rows
    regions: list[Region]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder("mini", size=SIZE, pool="gem")


def rows(encoder: Encoder, file: Path, monkeypatch: pytest.MonkeyPatch, *boxes: Box) -> Rows:
    """Return the rows of a photo's objects as located, and encoded from the file."""
    opened = []
    for module in (encode, locating):
        decode = module.decode_photo

        def counted(*arguments: Any, _decode: Any = decode, **options: Any) -> Photo:
            opened.append(1)
            photo: Photo = _decode(*arguments, **options)
            return photo

        monkeypatch.setattr(module, "decode_photo", counted)
    locator: Any = Knowing(encoder, boxes)
    source = Source(file.parent, iter([Region(file.name)]))
    regions = list(locating.located_regions(source, locator, Report(), encoder))
    (located,) = encode_chunks(chunked(regions, 9), file.parent, encoder)
    times = len(opened)
    bare = [replace(region, prepared=None) for region in regions]
    (again,) = encode_chunks(chunked(bare, 9), file.parent, encoder)
    same = {name for name in located.columns if name != "encodings"}
    assert {n: located.columns[n] for n in same} == {n: again.columns[n] for n in same}
    return Rows(located.columns["encodings"], again.columns["encodings"], times, regions)


@pytest.mark.parametrize("boxes", [((0.1, 0.2, 0.7, 0.9), (0.5, 0.1, 0.9, 0.6)), ()])
def test_rows_of_a_photo_decoded_once_are_those_of_its_file(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boxes: tuple[Box, ...]
) -> None:
    file = tmp_path / "a.png"
    picture(1, 300, 200).save(file)
    found = rows(encoder, file, monkeypatch, *boxes)
    np.testing.assert_array_equal(found.located, found.again)
    assert found.opened == 1
    assert [region.crop for region in found.regions] == (
        [pytest.approx(tuple(np.array(box) * [300, 200, 300, 200])) for box in boxes] or [None]
    )


def test_a_large_jpeg_may_be_decoded_finer_than_needed_but_never_coarser(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.jpg"
    picture(2, 1600, 1200).save(file, quality=90)
    found = rows(encoder, file, monkeypatch, (0.0, 0.0, 1.0, 0.95))
    first, second = (row.ravel().astype(np.float64) for row in (found.located, found.again))
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert cosine >= FINER
    assert found.opened == 1
    small = rows(encoder, file, monkeypatch, (0.1, 0.1, 0.4, 0.4))
    np.testing.assert_array_equal(small.located, small.again)
    assert small.opened == 2
