"""What a program may give: paths, pictures, arrays, lists, records; and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import drawn
from PIL import Image

import tvcli
from tvcli.api.photos import region_of
from tvcli.core.images.photo import decode_photo

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK", "YCbCr", "HSV", "PA")


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_is_what_its_file_is(mode: str, tmp_path: Path) -> None:
    grey = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20
    pictures = {
        "I;16": lambda: Image.fromarray(grey),
        "I": lambda: Image.fromarray(grey.astype(np.int32)),
        "F": lambda: Image.fromarray((grey / 65535).astype(np.float32)),
        "PA": lambda: drawn(1, 64, 48).convert("P").convert("PA"),
    }
    picture = pictures.get(mode, lambda: drawn(1, 64, 48).convert(mode))()
    assert picture.mode == mode
    data = region_of(picture).data
    assert data is not None
    found = decode_photo(data)
    expected = picture.convert("RGBA" if mode == "PA" else "RGB").convert("RGB")
    if mode in ("I;16", "I", "F"):
        expected = Image.fromarray(np.rint(grey * (255 / 65535)).astype(np.uint8)).convert("RGB")
    difference = np.abs(np.asarray(found.image, int) - np.asarray(expected, int))
    assert (found.width, found.height) == (64, 48) and difference.max() <= 1


def test_a_picture_from_a_turned_file_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    drawn(2, 64, 48).save(path, exif=exif)
    with Image.open(path) as picture:
        data = region_of(picture).data
    assert data is not None
    assert (decode_photo(data).width, decode_photo(data).height) == (48, 64)


def test_paths_pictures_and_arrays_give_the_same_encodings(collection: Path) -> None:
    paths = [collection / "photos" / f"{n}.png" for n in range(3)]
    encoder = tvcli.Encoder(pool="auto")
    pictures = [Image.open(path) for path in paths]
    by_path = encoder.encode(paths)
    assert by_path.shape == (3, *encoder.shape) and by_path.dtype == np.float32
    assert len(encoder.shape) == 1
    assert np.array_equal(by_path, encoder.encode(pictures))
    assert np.array_equal(by_path, encoder.encode([np.asarray(picture) for picture in pictures]))
    assert np.array_equal(by_path[:1], encoder.encode(str(paths[0])))
    assert encoder.encode([]).shape == (0, *encoder.shape)
    assert tvcli.Encoder().encode(paths[0]).shape == (1, *tvcli.Encoder().shape)


def test_an_encoder_names_the_photo_that_cannot_be_used(collection: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    with pytest.raises(tvcli.BadInput, match=re.escape(f"{bad}: not a picture")):
        tvcli.Encoder().encode([collection / "photos" / "0.png", bad])


def test_a_list_a_folder_and_records_give_the_same_file(collection: Path, tmp_path: Path) -> None:
    paths = sorted((collection / "photos").iterdir())
    sources: list[Any] = [collection / "photos", paths, [{"image": str(p)} for p in paths]]
    made = [tvcli.encode(s, tmp_path / f"{n}.h5") for n, s in enumerate(sources)]
    assert [file.rows for file in made] == [10, 10, 10]
    indexes = [tvcli.build_index(f.path, f.path.with_suffix(".tvx")) for f in made]
    vectors = [tvcli.open_index(index).vectors() for index in indexes]
    assert all(np.array_equal(vectors[0], other) for other in vectors)
    assert tvcli.open_index(indexes[2]).images == [path.name for path in paths]


def test_records_are_encoded_in_their_boxes(collection: Path, tmp_path: Path) -> None:
    photo = collection / "photos" / "0.png"
    box = [10, 20, 200, 180]
    tvcli.encode([photo, {"image": photo.as_posix(), "box": box}], tmp_path / "some.h5")
    index = tvcli.open_index(tvcli.build_index(tmp_path / "some.h5", tmp_path / "some.tvx"))
    hit = index.search(photo, box=tuple(box), k=1)[0]
    assert hit.box == (10, 20, 200, 180) and hit.similarity == 1
    again = tvcli.encode([hit], tmp_path / "hit.h5")  # results are records, too
    assert again.rows == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([], "the list is empty"),
        ("", "'' is no path"),
        ("-", "'-' is no path"),
        (b"photo.jpg", "name photos, folders or records"),
        (3, "name photos, folders or records"),
        ([np.zeros((8, 8, 3), np.uint8)], "save it"),
        ([{"image": "a.jpg"}, "folder"], "records go with photos"),
    ],
)
def test_what_is_no_source_is_refused(source: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(tvcli.UsageError, match=re.escape(said)):
        tvcli.encode(source, tmp_path / "none.h5")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, 'record 1: a record needs an "image"'),
        ({"image": "a.jpg", "box": [1]}, "record 1: box"),
    ],
)
def test_what_is_no_record_is_refused(record: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(tvcli.BadInput, match=re.escape(said)):
        tvcli.encode([record], tmp_path / "none.h5")


def test_a_job_records_how_it_was_called(collection: Path) -> None:
    made = json.loads((collection / "photos.tvx" / "index.json").read_text("utf-8"))
    (command,) = made["provenance"]["command"]
    assert command.startswith("tvcli.build_index(")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda path: tvcli.Encoder(fit="stretch"), "fit: one of squash, pad, crop"),
        (lambda path: tvcli.Encoder(pool="map"), "pool: one of none, mean"),
        (lambda path: tvcli.Encoder(precision="fp8"), "precision: one of"),
        (lambda path: tvcli.build_index(path, path / "x.tvx", pool="most"), "pool: one of auto"),
        (lambda path: tvcli.build_index(path, path / "x.tvx", engine="steam"), "engine steam"),
        (lambda path: tvcli.same_picture(path, path, method="eye"), "method: one of orb, sift"),
        (lambda path: tvcli.make_triplets(path, path, mine="soft"), "mine: one of hard"),
        (lambda path: tvcli.train_rank(path, path, path, pool="most"), "pool: one of auto"),
        (lambda path: tvcli.locate(path, classifier=path, boxes=path, combine="all"), "combine"),
        (lambda path: tvcli.make_crops(path, path, format="xml"), "format: one of jsonl"),
        (lambda path: tvcli.open_index(path, device="gpu"), "device: one of auto"),
    ],
)
def test_unknown_words_are_refused_before_anything_is_done(
    call: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(tvcli.UsageError, match=re.escape(said)):
        call(tmp_path)
    assert not list(tmp_path.iterdir())
