"""`--update`, `--add`, `--remove` and `--dry-run` as a person gives them."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from conftest import REPOSITORY, Ran, picture

from tvcli.core.backbones.mini_files import current
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.locks import lock_file, writing
from tvcli.core.indexes.index import open_index

Tv = Callable[..., Ran]
NOTHING = "0 added, 0 changed, 0 moved, 0 removed, 0 skipped"


@pytest.fixture
def indexed(tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with photos and an index of them, and go there."""
    monkeypatch.chdir(tmp_path)
    assert tv("index", "photos", "-o", "x.tvx", "--size", 64).status == 0
    return tmp_path


def state(target: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in target.iterdir()}


def images(target: str = "x.tvx") -> list[str]:
    with open_index(Path(target)) as index:
        return sorted(index.images)


def test_a_dry_run_says_what_an_update_does(tv: Tv, indexed: Path) -> None:
    picture(30).save("photos/new.png")
    picture(31).save("photos/1.png")
    Path("photos/2.png").rename("photos/inner/two.png")
    Path("photos/3.png").unlink()
    Path("photos/bad.jpg").write_text("text")
    before = state(indexed / "x.tvx")
    ran = tv("index", "photos", "-o", "x.tvx", "--update", "--dry-run")
    assert ran.status == 0
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {"change": "changed", "image": "photos/1.png"},
        {
            "change": "skipped",
            "image": "photos/bad.jpg",
            "reason": "not a picture that can be read",
        },
        {"change": "added", "image": "photos/new.png"},
        {"change": "moved", "image": "photos/inner/two.png", "from": "photos/2.png"},
        {"change": "removed", "image": "photos/3.png"},
    ]
    assert ran.err == "would be: 1 added, 1 changed, 1 moved, 1 removed, 1 skipped\n"
    assert state(indexed / "x.tvx") == before
    ran = tv("index", "photos", "-o", "x.tvx", "--update")
    assert (ran.status, ran.out) == (0, "")
    skipped, last = ran.err.splitlines()
    assert skipped == "skipped photos/bad.jpg: not a picture that can be read"
    assert last.startswith(
        "1 added, 1 changed, 1 moved, 1 removed, 1 skipped: 8 photos in x.tvx in "
    )
    ran = tv("index", "photos", "-o", "x.tvx", "--update", "--dry-run")
    assert ran.err == "would be: 0 added, 0 changed, 0 moved, 0 removed, 1 skipped\n"


def of_equal_size_and_time(*paths: str) -> None:
    """Give photos one size, by bytes behind their end, and one time."""
    longest = max(Path(path).stat().st_size for path in paths)
    for path in paths:
        with Path(path).open("ab") as file:
            file.write(bytes(longest - Path(path).stat().st_size))
        os.utime(path, ns=(10**18, 10**18))


def test_photos_of_equal_size_and_time_that_are_swapped_are_noticed(tv: Tv, indexed: Path) -> None:
    of_equal_size_and_time("photos/1.png", "photos/2.png")
    assert tv("index", "photos", "-o", "x.tvx", "--update").status == 0
    assert NOTHING in tv("index", "photos", "-o", "x.tvx", "--update").err
    Path("photos/1.png").rename("photos/t")
    Path("photos/2.png").rename("photos/1.png")
    Path("photos/t").rename("photos/2.png")
    ran = tv("index", "photos", "-o", "x.tvx", "--update")
    assert "0 added, 2 changed, 0 moved, 0 removed" in ran.err
    hit = json.loads(tv("search", "photos/1.png", "-i", "x.tvx", "-k", 1).out)
    assert (hit["image"], hit["similarity"]) == ("photos/1.png", 1.0)


def test_a_photo_overwritten_with_its_size_and_time_is_noticed(tv: Tv, indexed: Path) -> None:
    of_equal_size_and_time("photos/1.png", "photos/2.png")
    assert tv("index", "photos", "-o", "x.tvx", "--update").status == 0
    Path("photos/1.png").write_bytes(Path("photos/2.png").read_bytes())  # in place: the same inode
    os.utime("photos/1.png", ns=(10**18, 10**18))
    ran = tv("index", "photos", "-o", "x.tvx", "--update", "--dry-run")
    assert "0 added, 1 changed, 0 moved, 0 removed" in ran.err


def test_an_update_makes_what_is_not_there(tv: Tv, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.tvx"
    ran = tv("index", photos, "-o", target, "--size", 64, "--update")
    assert (ran.status, ran.err[:9]) == (0, "8 photos,")
    ran = tv("index", photos, "-o", target, "--update")
    assert ran.err.startswith(NOTHING)


def test_add_and_remove_by_what_comes_through_a_pipe(
    tv: Tv, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(30).save("a b\n.png")
    ran = subprocess.run(
        [sys.executable, "-m", "tvcli", "index", "-0", "--add", "-", "-o", "x.tvx"],
        input=b"a b\n.png\0photos/0.png\0",
        capture_output=True,
        check=True,
    )
    assert ran.stderr.startswith(b"1 added, 0 changed, 0 moved, 0 removed, 0 skipped: 9 photos")
    assert "../a b\n.png" in images()
    ran = subprocess.run(
        [sys.executable, "-m", "tvcli", "index", "--remove", "-", "-o", "x.tvx"],
        input=b"photos/0.png\ninner\nnothing\n",
        capture_output=True,
        check=True,
    )
    assert b"skipped nothing: not in x.tvx" in ran.stderr
    assert images() == ["../a b\n.png", "1.png", "2.png", "3.png", "4.png"]
    ran = tv("index", "--remove", "1.png", "-o", "x.tvx", "--dry-run")
    assert ran.out == '{"change": "removed", "image": "photos/1.png"}\n'


def test_photos_of_which_none_can_be_used_are_bad_input(tv: Tv, indexed: Path) -> None:
    before = state(indexed / "x.tvx")
    for way, reason in (("--remove", "not in x.tvx"), ("--add", "not found")):
        ran = tv("index", "no.jpg", way, "-o", "x.tvx")
        assert (ran.status, ran.err) == (3, f"tv: no.jpg: {reason}\n")
        ran = tv("index", "no.jpg", "none.jpg", way, "-o", "x.tvx")
        assert ran.status == 3 and f"skipped none.jpg: {reason}" in ran.err.splitlines()
    Path("prices.csv").write_text("image,price\nno.jpg,3\n")
    ran = tv("index", "--fields", "prices.csv", "-o", "x.tvx")
    assert ran.status == 3 and ran.err.endswith("tv: prices.csv: names no photo of x.tvx\n")
    ran = tv("index", "photos/1.png", "no.jpg", "--remove", "--dry-run", "-o", "x.tvx")
    assert (
        ran.status == 0 and "would be: 0 added, 0 changed, 0 moved, 1 removed, 1 skipped" in ran.err
    )
    assert state(indexed / "x.tvx") == before
    picture(30).save("new.png")
    assert tv("index", "new.png", "no.jpg", "--add", "-o", "x.tvx").status == 0
    assert tv("index", "new.png", "--add", "-o", "x.tvx").status == 0  # is there already
    assert tv("index", "new.png", "no.jpg", "--remove", "-o", "x.tvx").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["photos", "--update", "--size", "96"], 4, "made with --size 64, rows made with 96"),
        (["photos", "--update", "--backbone", "alexnet"], 4, "or make it anew: tv index photos"),
        (["photos", "--update", "--rank", "none.h5"], 3, "none.h5: no such file"),
        (["photos", "--update", "--add"], 2, "--update and --add: one at a time"),
        (["photos", "--method", "sift"], 2, "--method: goes with --keypoints"),
        (["photos", "--dry-run"], 2, "--dry-run: goes with --update or --add or --remove"),
        (["photos", "--update", "--limit", "3"], 2, "--update goes with neither --limit"),
        (["empty", "--update"], 3, "no photos found"),
        (["missing", "--update"], 3, "missing: no such file or folder"),
        (["photos", "--remove"], 3, "nothing would be left of it: remove the folder instead"),
        (["photos", "--add", "-o", "none.tvx"], 3, "none.tvx: no such index"),
    ],
)
def test_what_cannot_be_leaves_the_index_as_it_was(
    tv: Tv, indexed: Path, arguments: list[str], status: int, message: str
) -> None:
    Path("empty").mkdir()
    before = state(indexed / "x.tvx")
    ran = tv("index", "-o", "x.tvx", *arguments)
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err.splitlines()[-1]
    assert state(indexed / "x.tvx") == before


def test_settings_of_the_environment_count_as_asked_for(
    tv: Tv, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("tv.toml").write_text("[index]\nsize = 96\n")
    assert tv("index", "photos", "-o", "x.tvx", "--update").status == 4
    Path("tv.toml").write_text("[index]\nsize = 64\n")
    assert tv("index", "photos", "-o", "x.tvx", "--update").status == 0


def test_an_index_of_an_encodings_file_follows_it(tv: Tv, indexed: Path) -> None:
    tv("encode", "photos", "-o", "e.h5", "--size", 64)
    tv("index", "e.h5", "-o", "y.tvx")
    picture(30).save("photos/new.png")
    picture(31).save("photos/1.png")
    Path("photos/3.png").unlink()
    ran = tv("encode", "photos", "-o", "e.h5", "--update")
    assert ran.err.startswith("1 added, 1 changed, 0 moved, 1 removed, 0 skipped: 8 photos in e.h5")
    ran = tv("index", "e.h5", "-o", "y.tvx", "--update", "--dry-run")
    assert [json.loads(line)["image"] for line in ran.out.splitlines()] == [
        "photos/new.png",
        "photos/1.png",
        "photos/3.png",
    ]
    ran = tv("index", "e.h5", "-o", "y.tvx", "--update")
    assert ran.err.startswith(
        "1 added, 1 changed, 0 moved, 1 removed, 0 skipped: 8 photos in y.tvx"
    )
    with open_artifact(Path("e.h5")) as rows:
        assert sorted(rows.read("image")) == images("y.tvx")
    assert tv("index", "e.h5", "-o", "y.tvx", "--update").err.startswith(NOTHING)
    tv("encode", "photos", "-o", "other.h5", "--size", 96)
    ran = tv("index", "other.h5", "-o", "y.tvx", "--update")
    assert (ran.status, ran.out) == (4, "")
    assert "make it anew: tv index other.h5 -o y.tvx" in ran.err
    assert tv("index", "e.h5", "-o", "y.tvx", "--add").status == 2


def test_commands_that_mend_can_be_pasted(
    tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = photos.rename(tmp_path / "my photos")
    rows, index = tmp_path / "my rows.h5", tmp_path / "my maps.tvx"
    tv("encode", named, "-o", rows, "--size", 64)
    ran = tv("encode", named, "-o", rows, "--update", "--size", 96)
    assert ran.status == 4
    assert f"make it anew: tv encode '{named}' -o '{rows}' --size 96" in ran.err
    monkeypatch.setattr("sys.argv", ["tv", "index", str(rows), "-o", str(index), "--maps"])
    assert tv("index", rows, "-o", index, "--maps").status == 0
    picture(30).save(named / "new.png")
    ran = tv("index", named, "-o", index, "--update")
    assert ran.status == 4
    assert ran.err.rstrip().endswith(f"as it was made: tv index '{rows}' -o '{index}' --maps")


def test_maps_do_not_follow(tv: Tv, indexed: Path) -> None:
    tv("encode", "photos", "-o", "e.h5", "--size", 64)
    assert tv("index", "e.h5", "-o", "y.tvx", "--maps").status == 0
    picture(30).save("photos/new.png")
    ran = tv("index", "photos", "-o", "y.tvx", "--update")
    assert ran.status == 4
    assert "keeps maps, which an update cannot add to; make it anew, as it was made:" in ran.err
    assert tv("index", "--remove", "inner", "1.png", "-o", "y.tvx").status == 0
    ran = tv("search", "photos/2.png", "-i", "y.tvx", "--rerank", 5, "-k", 1, "--format", "paths")
    assert ran.out == "photos/2.png\n"


@pytest.mark.parametrize("name", ["exact.tvx", "located.tvx", "ranked.tvx"])
def test_an_index_of_version_1_is_changed_in_place(tv: Tv, tmp_path: Path, name: str) -> None:
    with tarfile.open(REPOSITORY / "tests/frozen/version-1.tar.xz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 and newer
        archive.extractall(tmp_path)
    photos, target = tmp_path / "photos", tmp_path / name
    *renewal, done = tv("index", photos, "-o", target, "--update").err.splitlines()
    assert done.startswith(NOTHING)
    assert len(renewal) == (current() != "mini-1")
    assert json.loads((target / "index.json").read_text())["version"] == 1
    (photos / "dress-001-1.jpg").rename(photos / "moved.jpg")
    shutil.copy(photos / "shirt-001-2.jpg", photos / "copy.jpg")
    picture(30).save(photos / "new.jpg")
    ran = tv("index", photos, "-o", target, "--update")
    assert "2 added, 0 changed, 1 moved, 0 removed, 0 skipped" in ran.err
    assert json.loads((target / "index.json").read_text())["version"] == 2
    assert {"moved.jpg", "copy.jpg", "new.jpg"} <= {
        Path(image).name for image in images(str(target))
    }


def test_photos_and_index_move_together(tv: Tv, indexed: Path) -> None:
    moved = indexed / "elsewhere"
    moved.mkdir()
    for name in ("photos", "x.tvx"):
        shutil.move(name, moved / name)
    ran = tv("search", moved / "photos/0.png", "-i", moved / "x.tvx", "-k", 1, "--format", "paths")
    assert ran.out == "elsewhere/photos/0.png\n"
    assert tv("index", moved / "photos", "-o", moved / "x.tvx", "--update").err.startswith(NOTHING)


def test_a_copy_does_not_look_where_it_was_copied_from(tv: Tv, indexed: Path) -> None:
    shutil.copytree("photos", "copy/photos")
    shutil.copytree("x.tvx", "copy/x.tvx")
    Path("copy/photos/0.png").unlink()
    ran = tv("search", "--item", "0.png", "-i", "copy/x.tvx", "-k", 1)
    hit = json.loads(ran.out)
    assert (hit["image"], hit["missing"]) == ("copy/photos/0.png", True)
    ran = tv("index", "copy/photos", "-o", "copy/x.tvx", "--update")
    assert ran.err.startswith("0 added, 0 changed, 0 moved, 1 removed, 0 skipped")


def test_photos_served_from_elsewhere(tv: Tv, indexed: Path) -> None:
    shutil.move("photos", "mounted")
    Path("mounted/0.png").unlink()
    before = state(indexed / "x.tvx")

    def hits(*more: object) -> dict[str, Any]:
        ran = tv("search", "--item", "1.png", "-i", "x.tvx", *more)
        assert ran.status == 0
        return {hit["image"]: hit for hit in map(json.loads, ran.out.splitlines())}

    assert all(hit["missing"] for hit in hits().values())
    found = hits("--root", "mounted")
    assert "missing" not in found["mounted/1.png"]
    assert found["mounted/0.png"]["missing"] is True
    assert tv("search", "--item", "1.png", "-i", "x.tvx", "--root", "none").status == 3
    ran = tv("eval", "search", "x.tvx", "--root", "mounted", "--truth", "folders", "-k", 1)
    assert ran.status == 0
    assert state(indexed / "x.tvx") == before
    ran = tv("index", "mounted", "-o", "x.tvx", "--update", "--root", "mounted")
    assert ran.err.startswith("0 added, 0 changed, 0 moved, 1 removed, 0 skipped")
    assert "missing" not in hits()["mounted/1.png"]


@pytest.mark.parametrize(
    "command",
    [
        ["index", "photos", "-o", "x.tvx", "--update"],
        ["index", "photos", "-o", "x.tvx", "--size", "64"],
        ["index", "photos/1.png", "-o", "x.tvx", "--remove"],
    ],
)
def test_a_second_writer_is_refused(tv: Tv, indexed: Path, command: list[str]) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from tvcli.core.files.locks import writing\n"
        "with writing(Path('x.tvx')): print('held', flush=True); time.sleep(60)"
    )
    picture(30).save("photos/new.png")
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        ran = tv(*command)
        process.kill()
    assert (ran.status, ran.out) == (3, "")
    assert f"x.tvx: is being written by process {process.pid} since" in ran.err
    assert lock_file(Path("x.tvx")).exists()
    assert tv(*command).status == 0
    assert not lock_file(Path("x.tvx")).exists()


def test_a_full_disk_loses_nothing(tv: Tv, indexed: Path) -> None:
    """A limit on the size of files stands for a disk that is full."""
    for number in range(30, 60):
        picture(number).save(f"photos/{number}.png")
    before = images()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        ran = tv("index", "photos", "-o", "x.tvx", "--update")
        encoded = tv("encode", "photos", "-o", "e.h5", "--size", 64)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (ran.status, encoded.status) == (3, 3)
    assert ran.err.splitlines()[-1] == "tv: x.tvx: cannot be written: File too large"
    assert "e.h5: cannot be written" in encoded.err
    assert not Path("e.h5").exists()
    assert images() == before
    assert tv("index", "photos", "-o", "x.tvx", "--update").err.startswith("30 added, 0 changed")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_what_cannot_be_written_is_told(tv: Tv, indexed: Path) -> None:
    picture(30).save("photos/new.png")
    Path("x.tvx").chmod(0o555)
    try:
        ran = tv("index", "photos", "-o", "x.tvx", "--update")
    finally:
        Path("x.tvx").chmod(0o755)
    assert ran.status == 3
    assert "x.tvx: cannot be written: Permission denied" in ran.err
    assert len(images()) == 8


def test_an_interrupted_update_goes_on(tv: Tv, indexed: Path, monkeypatch: Any) -> None:
    """Killed after its parts were written, an update takes them again."""
    picture(30).save("photos/new.png")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    before = images()
    with monkeypatch.context() as patch:
        patch.setattr("tvcli.core.indexes.updates.change_index", killed)
        assert tv("index", "photos", "-o", "x.tvx", "--update").status == 130
    assert images() == before
    with monkeypatch.context() as patch:
        patch.setattr("tvcli.core.encoding.checkpoints.encode_chunks", lambda *_: iter(()))
        ran = tv("index", "photos", "-o", "x.tvx", "--update")
    kept, done = ran.err.splitlines()
    assert kept == "1 photo or part kept of a job that was interrupted"
    assert done.startswith("1 added, 0 changed, 0 moved, 0 removed, 0 skipped: 9 photos")
    assert not list(indexed.glob(".x.tvx*"))


def test_writers_of_other_targets_do_not_wait(tv: Tv, indexed: Path) -> None:
    with writing(indexed / "other.tvx"):
        assert tv("index", "photos", "-o", "x.tvx", "--update").status == 0


def test_an_update_keeps_key_points_when_asked_for_them(tv: Tv, indexed: Path) -> None:
    kept = "x.tvx/keypoints-1.h5"
    assert not Path(kept).exists()
    ran = tv("index", "photos", "-o", "x.tvx", "--update", "--keypoints")
    assert (ran.status, ran.err.split(":")[0]) == (0, NOTHING)
    with open_artifact(Path(kept), "keypoints") as file:
        assert len(file) == len(images())


def test_key_points_of_an_older_tv_are_named_with_what_mends_them(tv: Tv, indexed: Path) -> None:
    update = ("index", "photos", "-o", "x.tvx", "--update", "--keypoints")
    assert tv(*update).status == 0
    with h5py.File("x.tvx/keypoints-1.h5", "r+") as file:
        del file["colour"], file["colour_sides"]
        file.attrs["version"] = 1
    for command in (
        ("search", "photos/1.png", "-i", "x.tvx", "--verify", "default"),
        (
            "dedupe",
            "x.tvx",
        ),
    ):
        ran = tv(*command)
        assert (ran.status, ran.out) == (4, "")
        assert ran.err.strip() == (
            "tv: x.tvx: its key points were kept by an older tv; keep them again: "
            "tv index PHOTOS -o x.tvx --update --keypoints"
        )
    assert tv(*update).status == 0
    assert [path.name for path in Path("x.tvx").glob("keypoints*")] == ["keypoints-2.h5"]
    assert tv("dedupe", "x.tvx").status in (0, 1)


@pytest.mark.parametrize("option", [["--maps"], ["--seed", "3"], ["--runtime", "torch"]])
@pytest.mark.parametrize("way", [["--update"], ["--update", "--dry-run"], ["--watch"]])
def test_what_an_update_cannot_honour_is_refused(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str], way: list[str]
) -> None:
    if way == ["--watch"]:
        pytest.importorskip("watchfiles", reason="extra watch")
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("x.tvx").mkdir()
    ran = tv("index", "photos", "-o", "x.tvx", *way, *option)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert f"{option[0]}: only for making an index, and x.tvx is there" in ran.err
    assert not list(Path("x.tvx").iterdir())
