"""File systems that do not go by the case of names, as those of Macs: one photo has one name."""

import json
import os
import shutil
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran, drawn

from tvcli.core.files import spellings
from tvcli.core.files.spellings import as_on_disk
from tvcli.core.indexes.index import open_index

Tv = Callable[..., Ran]
SYSTEM = Path(__file__).parents[1] / "case_insensitive.py"
COMPOSED, APART = (unicodedata.normalize(form, "été.jpg") for form in ("NFC", "NFD"))


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Forget what is known of folders, before and after."""

    def forget() -> None:
        spellings._by_case.clear()
        spellings._spelled_folder.cache_clear()  # type: ignore[attr-defined]
        spellings._listed.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a current folder where case makes no difference: this one, or one over FUSE."""
    (tmp_path / "probe").touch()
    if (tmp_path / "PROBE").exists():
        monkeypatch.chdir(tmp_path)
        yield tmp_path
        return
    if find_spec("fuse") is None:
        pytest.skip("case makes a difference here, and fusepy is not there")
    (store := tmp_path / "store").mkdir()
    (mount := tmp_path / "mount").mkdir()
    command = [sys.executable, SYSTEM, store, mount, "nfd"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not mount.is_mount():
            if process.poll() is not None:
                pytest.skip("nothing can be mounted here")
            time.sleep(0.05)
        monkeypatch.chdir(mount)
        try:
            yield mount
        finally:
            os.chdir(tmp_path)
            subprocess.run(["umount", mount], check=True)
            process.wait()


def records(name: str, *lines: dict[str, Any]) -> str:
    Path(name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return name


def images(index: str) -> list[str]:
    with open_index(Path(index)) as opened:
        return sorted(opened.images)


def test_one_photo_has_one_name_however_it_is_written(mac: Path, tv: Tv) -> None:
    Path("Photos").mkdir()
    for number in range(4):
        drawn(number).save(f"Photos/Img_{number}.jpg")
    drawn(4).save(f"Photos/{APART}")
    known = ["Img_0.jpg", "Img_1.jpg", "Img_2.jpg", "Img_3.jpg", APART]
    assert tv("index", "photos", "-o", "a.tvx").status == 0
    assert images("a.tvx") == known
    for folder in ("PHOTOS", mac / "PHOTOS"):
        ran = tv("index", folder, "-o", "A.tvx", "--update")
        assert "0 added, 0 changed, 0 moved, 0 removed" in ran.err
    for query in ("PHOTOS/IMG_1.JPG", "--item=PHOTOS/IMG_1.JPG", "--item=img_1.jpg"):
        hit = json.loads(tv("search", query, "-i", "a.tvx", "-k", 1).out)
        assert (hit["image"], hit["similarity"] > 0.999) == ("Photos/Img_1.jpg", True)
    ran = tv("search", f"--item=photos/{COMPOSED.upper()}", "-i", "a.tvx", "-k", 1)
    assert json.loads(ran.out)["image"] == f"Photos/{APART}"
    told = records(
        "labels.jsonl",
        {"image": "PHOTOS/IMG_0.JPG", "label": "x", "price": 1},
        {"image": "Photos/img_1.jpg", "label": "x", "price": 2},
        {"image": f"photos/{COMPOSED}", "label": "y", "price": 3},
    )
    ran = tv("eval", "search", "a.tvx", "--truth", told)
    assert (ran.status, "2 queries measured" in ran.err) == (0, True), ran.err
    assert "fields of 3 photos changed" in tv("index", "--fields", told, "-o", "a.tvx").err
    assert tv("index", told, "-o", "b.tvx").status == 0
    assert images("b.tvx") == [f"Photos/{name}" for name in (known[0], known[1], APART)]


def test_a_photo_is_no_copy_of_itself(mac: Path, tv: Tv) -> None:
    Path("Photos").mkdir()
    for number in range(3):
        drawn(number).save(f"Photos/{number}a.jpg")
    for command in (
        ("dedupe", "photos/0A.JPG", "Photos"),
        ("dedupe", "PHOTOS", "photos"),
        ("dedupe", "PHOTOS", "--against", "Photos"),
    ):
        ran = tv(*command, "--format", "paths")
        assert (ran.status, ran.out) == (1, ""), ran.out
    shutil.copy("Photos/0a.jpg", "Photos/copy.jpg")
    ran = tv("dedupe", "PHOTOS", "photos/COPY.jpg", "--format", "paths")
    assert (ran.status, ran.out) == (0, "Photos/copy.jpg\n")


def test_in_a_folder_by_another_name(mac: Path, tv: Tv, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("Photos").mkdir()
    for number in range(2):
        drawn(number).save(f"Photos/{number}a.jpg")
    assert tv("index", "Photos", "-o", "a.tvx").status == 0
    monkeypatch.chdir(mac / "PHOTOS")
    for source in (".", "../photos", mac / "pHOTOS"):
        ran = tv("index", source, "-o", "../a.tvx", "--update")
        assert "0 added, 0 changed, 0 moved, 0 removed" in ran.err
    hit = json.loads(tv("search", "1A.jpg", "-i", "../a.tvx", "-k", 1).out)
    assert Path(hit["image"]).samefile(mac / "Photos" / "1a.jpg")


def test_where_case_makes_a_difference_names_stay(tmp_path: Path, tv: Tv) -> None:
    folder = tmp_path / "Photos"
    folder.mkdir()
    for number, name in enumerate(("a.jpg", "A.jpg", "b.JPG")):
        drawn(number).save(folder / name)
    if (folder / "B.jpg").exists():
        pytest.skip("case makes no difference here")
    assert tv("index", folder, "-o", tmp_path / "a.tvx").status == 0
    assert images(str(tmp_path / "a.tvx")) == ["A.jpg", "a.jpg", "b.JPG"]
    for name in ("a.jpg", "A.jpg", "B.jpg", "b.JPG"):
        assert as_on_disk(str(folder / name)) == str(folder / name)
    assert as_on_disk(str(tmp_path / "photos" / "a.jpg")) == str(tmp_path / "photos" / "a.jpg")
    (folder / "link.jpg").hardlink_to(folder / "a.jpg")
    (folder / "LINK.jpg").hardlink_to(folder / "a.jpg")
    spellings._by_case.clear()
    for name in ("link.jpg", "LINK.jpg", "Link.jpg", "B.jpg"):
        assert as_on_disk(str(folder / name)) == str(folder / name)


def test_paths_are_spelled_as_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system answers is what one answers that does not go by case."""
    (tmp_path / "Photos" / "Été").mkdir(parents=True)
    (tmp_path / "Photos" / "Été" / "Img.JPG").touch()
    real = {name: getattr(os, name) for name in ("lstat", "stat", "listdir")}

    def at(path: Any) -> str:
        place = "/"
        for part in filter(None, os.path.abspath(path).split("/")):  # noqa: PTH100
            names = {spellings._folded(n): n for n in real["listdir"](place)}
            place = os.path.join(place, names.get(spellings._folded(part), part))  # noqa: PTH118
        return place

    for name, call in real.items():
        monkeypatch.setattr(os, name, lambda path=".", _call=call, **more: _call(at(path), **more))
    monkeypatch.chdir(tmp_path)
    right = f"{tmp_path}/Photos/Été/Img.JPG"
    apart = unicodedata.normalize("NFD", "été")
    assert as_on_disk(f"{tmp_path}/PHOTOS/été/img.jpg") == right
    assert as_on_disk(f"{tmp_path}/photos/{apart}/IMG.jpg") == right
    assert as_on_disk("photos/éTÉ/img.jpg") == "Photos/Été/Img.JPG"
    assert as_on_disk("./PHOTOS/../photos/été/IMG.JPG") == "./PHOTOS/../Photos/Été/Img.JPG"
    assert as_on_disk("photos/ÉTÉ/") == "Photos/Été"
    assert as_on_disk("photos/none/img.jpg") == "Photos/none/img.jpg"
    for path in ("", ".", "..", "/", "none", "a\0b", "\udcff", "x" * 5000):
        assert as_on_disk(path) == path
