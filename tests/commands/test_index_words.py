"""Visual words that an index keeps: which photos share the most with a query, and updates."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from conftest import Ran
from PIL import Image

from tests.core.test_verification import scene
from tvcli.core.images.photo import decode_photo, read_photo
from tvcli.core.indexes.index import open_index
from tvcli.core.indexes.keypoints import ROWS_OF, kept_words
from tvcli.core.indexes.words import KINDS_OF_LISTS, LISTS
from tvcli.core.matching.features import describe_both
from tvcli.core.matching.inverted_file import inverted_lists
from tvcli.core.matching.voting import Voter

Tv = Callable[..., Ran]


def shared(index: Path, photo: Path) -> Any:
    with open_index(index) as opened, kept_words(opened) as words:
        assert words is not None
        both = describe_both(decode_photo(read_photo(photo)))
        return words.shared([Voter(side, words.vocabulary).words for side in both])


def four_indexed(tv: Tv, folder: Path) -> tuple[Path, Path]:
    """Return a folder of four photos, and an index of them with key points."""
    photos, index = folder / "photos", folder / "photos.tvx"
    photos.mkdir()
    for number in range(4):
        scene(number).save(photos / f"{number}.png")
    assert tv("index", photos, "-o", index, "--keypoints").status == 0
    return photos, index


def test_the_photo_that_shares_the_most_is_the_one_pasted(tv: Tv, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(12):
        scene(number).save(photos / f"{number:02}.png")
    index = tmp_path / "photos.tvx"
    assert tv("index", photos, "-o", index, "--keypoints").status == 0
    wall = Image.new("RGB", (700, 500), "grey")
    wall.paste(scene(7).transpose(Image.Transpose.ROTATE_90), (150, 60))
    wall.save(tmp_path / "wall.png")
    assert shared(index, tmp_path / "wall.png").argmax() == 7
    scene(50).save(photos / "20.png")
    (photos / "03.png").unlink()
    assert tv("index", photos, "-o", index, "--update").status == 0
    assert len(list(index.glob("words-*.h5"))) == 1
    found = shared(index, photos / "20.png")
    with open_index(index) as opened:
        assert len(found) == len(opened) == 12
        assert opened.read("image")[int(found.argmax())] == "20.png"


def test_where_words_begin_below_each_root_is_kept_and_checked(tv: Tv, tmp_path: Path) -> None:
    photos, index = four_indexed(tv, tmp_path)
    (file,) = index.glob("words-*.h5")
    found = shared(index, photos / "2.png")
    with h5py.File(file, "r+") as opened:
        starts = opened["state/starts"][()]
        del opened["state/starts"]  # as files of older versions are
    assert np.array_equal(shared(index, photos / "2.png"), found)
    for wrong in (starts[:-1], starts[::-1], starts + 1, starts.astype(np.float32)):
        with h5py.File(file, "r+") as opened:
            opened["state"].pop("starts", None)
            opened["state/starts"] = wrong
        ran = tv("search", photos / "2.png", "-i", index, "--verify")
        assert ran.status == 3 and "visual words below no root" in ran.err, ran.err


def test_inverted_lists_are_kept_and_checked(tv: Tv, tmp_path: Path) -> None:
    photos, index = four_indexed(tv, tmp_path)
    (file,) = index.glob("words-*.h5")
    found = shared(index, photos / "2.png")
    with h5py.File(file, "r+") as opened:
        lists = {name: opened[f"state/inverted_{name}"][()] for name in KINDS_OF_LISTS}
        for name in lists:  # as files of older versions are
            del opened[f"state/inverted_{name}"]
    assert np.array_equal(shared(index, photos / "2.png"), found)
    starts, photos_having = lists["starts"], lists["photos"]
    wrong = (
        {"starts": starts[:-1]},
        {"starts": starts[::-1].copy()},
        {"starts": starts + 1},
        {"starts": starts.astype(np.float64)},
        {"photos": photos_having[:-1]},
        {"photos": photos_having + 4},
        {"photos": photos_having - 4},
        {"times": lists["times"].reshape(1, -1)},
        {"lengths": np.zeros(4, np.float32)},
        {"lengths": np.ones(5, np.float32)},
        {"weights": lists["weights"][1:]},
    )
    for changed in wrong:
        with h5py.File(file, "r+") as opened:
            for name, values in (lists | changed).items():
                opened["state"].pop(f"inverted_{name}", None)
                opened[f"state/inverted_{name}"] = values
        ran = tv("search", photos / "2.png", "-i", index, "--verify")
        assert ran.status == 3 and "inverted lists" in ran.err, ran.err


def test_words_of_rows_are_found_by_content_where_a_file_is_of_other_rows(
    tv: Tv, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(4):
        scene(number).save(photos / f"{number}.png")
    (photos / "2-again.png").write_bytes((photos / "2.png").read_bytes())
    index = tmp_path / "photos.tvx"
    assert tv("index", photos, "-o", index, "--keypoints").status == 0
    found = shared(index, photos / "2.png")
    with open_index(index) as opened:
        images = opened.read("image")
    assert sorted(images[row] for row in np.flatnonzero(found == found.max())) == [
        "2-again.png",
        "2.png",
    ]
    for path in (*index.glob("words-*.h5"), *index.glob("keypoints-*.h5")):
        with h5py.File(path, "r+") as file:
            settings = json.loads(file.attrs["settings"])
            assert settings.pop(ROWS_OF)
            file.attrs["settings"] = json.dumps(settings)  # as files of older versions are
    assert np.array_equal(shared(index, photos / "2.png"), found)
    for path in (*index.glob("words-*.h5"), *index.glob("keypoints-*.h5")):
        with h5py.File(path, "r+") as file:
            for name in file:
                if name != "state":
                    file[name][...] = file[name][()][::-1]
            settings = json.loads(file.attrs["settings"])
            lies = settings | {ROWS_OF: [[["embeddings-1.h5", 5]], []]}
            file.attrs["settings"] = json.dumps(lies)
            lists = inverted_lists([file["words"][()]]) if "words" in file else {}
            for name, values in lists.items():
                file[f"state/{LISTS}{name}"][...] = values
    assert np.allclose(shared(index, photos / "2.png"), found)
