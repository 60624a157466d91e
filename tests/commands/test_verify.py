"""`tv search --verify` and `tv index --keypoints`: the same picture or not, by the commands."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Ran, picture
from PIL import Image, ImageFilter, ImageOps

from tvcli.core.indexes import keypoints
from tvcli.core.matching import features, matcher

Tv = Callable[..., Ran]


def scene(seed: int) -> Image.Image:
    """Return a picture full of patches of all sizes."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (240, 180), (128, 120, 110))
    for _ in range(90):
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        x, y, w, h = (int(value) for value in random.integers((0, 0, 8, 8), (230, 170, 60, 60)))
        image.paste(colour, (x, y, x + w, y + h))
    return image


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for seed in range(5):
        scene(seed).save(folder / f"{seed}.png")
    scene(2).crop((40, 30, 220, 170)).rotate(90, expand=True).save(tmp_path / "copy.png")
    ImageOps.mirror(scene(3)).save(tmp_path / "mirrored.png")
    scene(99).save(tmp_path / "stranger.png")
    return folder


@pytest.fixture
def index(tv: Tv, scenes: Path, tmp_path: Path) -> Path:
    target = tmp_path / "x.tvx"
    assert tv("index", scenes, "--keypoints", "-o", target, "-q").status == 0
    return target


def records(ran: Ran) -> list[dict[str, object]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def test_a_copy_is_found_and_a_stranger_is_not(tv: Tv, index: Path, tmp_path: Path) -> None:
    found = tv("search", tmp_path / "copy.png", "-i", index, "--verify", "default")
    assert found.status == 0
    (hit,) = records(found)
    assert Path(str(hit["image"])).name == "2.png"
    assert hit["rank"] == 1 and hit["verified"] is True and hit["mirrored"] is False
    assert isinstance(hit["inliers"], int) and hit["inliers"] >= 10
    # turned by 90° to the left: the right upper corner (220, 30) has become the left upper one
    outline = np.array(hit["outline"], np.float64)
    expected = [[220, 30], [220, 170], [40, 170], [40, 30]]
    assert np.abs(outline - expected).max() < 4
    mapped = np.array(hit["transform"], np.float64) @ (0, 0, 1)
    assert np.abs(mapped[:2] / mapped[2] - outline[0]).max() < 0.01
    nothing = tv("search", tmp_path / "stranger.png", "-i", index, "--verify", "default")
    assert (nothing.status, nothing.out) == (1, "")
    assert "nothing found with --verify\n" in nothing.err


def test_what_is_too_blurred_for_key_points_is_found_as_a_whole(
    tv: Tv, index: Path, tmp_path: Path
) -> None:
    blurred = ImageOps.mirror(scene(1)).rotate(180).filter(ImageFilter.GaussianBlur(7))
    blurred.save(tmp_path / "blurred.png")
    asked = ["search", tmp_path / "blurred.png", "-i", index, "--verify", "default"]
    (hit,) = records(tv(*asked, "--unverified", "--by-inliers", "-k", 1))
    assert Path(str(hit["image"])).name == "1.png" and hit["verified"] is True
    assert (hit["whole"], hit["inliers"], hit["mirrored"]) == (True, 0, True)
    # mirrored and turned by 180°: the first corner is the left lower one of the indexed photo
    assert hit["outline"] == [[0, 180], [240, 180], [240, 0], [0, 0]]
    assert "whole photo, mirrored" in tv(*asked, "--format", "table").out
    assert "whole photo, mirrored" in tv(*asked, "--format", "html").out
    assert tv(*asked, "--min-probability", 1).status == 1


def test_hits_that_are_not_verified_are_shown_when_asked_for(
    tv: Tv, index: Path, tmp_path: Path
) -> None:
    ran = tv("search", tmp_path / "mirrored.png", "-i", index, "--verify", "default",
             "--unverified", "--by-inliers")  # fmt: skip
    hits = records(ran)
    assert ran.status == 0 and len(hits) == 5
    assert [hit["verified"] for hit in hits] == [True, False, False, False, False]
    assert hits[0]["mirrored"] is True and Path(str(hits[0]["image"])).name == "3.png"
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]


def test_other_looks_at_a_query_keep_to_the_filter(tv: Tv, index: Path, tmp_path: Path) -> None:
    asked = ["search", tmp_path / "mirrored.png", "-i", index, "--verify", "default"]
    for where in (["image!=3.png"], ["image!=3.png", "image!=1.png"]):
        options = [word for text in where for word in ("--where", text)]
        found = records(tv(*asked, "--unverified", *options))
        assert len(found) == 5 - len(where)
        named = {f"image!={Path(str(hit['image'])).name}" for hit in found}
        assert not named & set(where)
        assert tv(*asked, *options).status == 1  # the copy itself is not to be found


@pytest.mark.parametrize(
    "options",
    [
        ("--keypoints",),
        (),
        pytest.param(("--keypoints", "--method", "sift"), marks=pytest.mark.long),
    ],
)
def test_all_copies_of_a_picture_are_found_among_many_others(
    tv: Tv, tmp_path: Path, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(9):  # more than are matched at a time
        size = 230 - 5 * number, 170 - 5 * number
        scene(7).resize(size).save(folder / f"copy{number}.png")
    for number in range(10, 24):
        scene(number).save(folder / f"other{number}.png")
    assert tv("index", folder, *options, "-o", tmp_path / "x.tvx", "-q").status == 0
    scene(7).rotate(25, expand=True).save(tmp_path / "turned.png")
    method = options[1:]
    ran = tv(
        "search", tmp_path / "turned.png", "-i", tmp_path / "x.tvx", "--verify", "-k", 30, *method
    )
    names = sorted(Path(str(hit["image"])).name for hit in records(ran))
    assert names == [f"copy{number}.png" for number in range(9)]
    told = "keeps no key points, so they are computed now; to keep them: tv index PHOTOS -o"
    assert (told in ran.err) == (not options)


@pytest.mark.parametrize("preset", ["default", "scalable"])
def test_key_points_kept_say_what_computed_ones_do(
    tv: Tv, index: Path, scenes: Path, tmp_path: Path, preset: str
) -> None:
    other = tmp_path / "without.tvx"
    assert tv("index", scenes, "-o", other, "-q").status == 0
    assert not list(other.glob("keypoints*"))
    assert len(list(index.glob("keypoints*.h5"))) == 1
    asked = ["--verify", preset, "--unverified"]
    queries = [tmp_path / "copy.png", tmp_path / "mirrored.png", tmp_path / "stranger.png"]
    kept = tv("search", *queries, "-i", index, *asked)
    computed = tv("search", *queries, "-i", other, *asked)
    assert kept.out == computed.out and len(kept.out.splitlines()) == 15


def test_kept_key_points_are_not_computed_again(
    tv: Tv, index: Path, scenes: Path, tmp_path: Path
) -> None:
    for path in scenes.iterdir():
        path.unlink()
    ran = tv("search", tmp_path / "copy.png", "-i", index, "--verify", "default")
    (hit,) = records(ran)
    assert hit["verified"] is True and hit["missing"] is True


def test_made_again_an_index_keeps_one_file_of_key_points(
    tv: Tv, index: Path, scenes: Path, tmp_path: Path
) -> None:
    again = tv("index", scenes, "--keypoints", "--method", "sift", "-o", index, "-q")
    assert again.status == 0
    assert len(list(index.glob("keypoints*.h5"))) == 1
    ran = tv("search", tmp_path / "copy.png", "-i", index, "--verify", "default")
    assert ran.status == 0 and records(ran)[0]["verified"] is True


def test_an_affine_model_and_sift(tv: Tv, index: Path, tmp_path: Path) -> None:
    ran = tv("search", tmp_path / "copy.png", "-i", index, "--verify", "default",
             "--model", "affine", "--method", "sift")  # fmt: skip
    (hit,) = records(ran)
    assert np.array(hit["transform"])[2].tolist() == [0, 0, 1]


def test_photos_of_the_index_and_of_a_pipe_are_verified_too(
    tv: Tv, index: Path, scenes: Path, tmp_path: Path
) -> None:
    ran = tv("search", "--item", "4.png", "-i", index, "--verify", "default")
    assert [Path(str(hit["image"])).name for hit in records(ran)] == ["4.png"]
    piped = subprocess.run(
        [sys.executable, "-m", "tvcli", "search", "-", "-i", index, "--verify", "default"],
        input=(tmp_path / "copy.png").read_bytes(), capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(piped.stdout)["verified"] is True


def test_verify_stands_without_a_value(tv: Tv, index: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    named = tv("search", copy, "-i", index, "--verify", "default")
    at = ["-i", index]
    for asked in ([copy, *at, "--verify"], ["--verify", copy, *at], [copy, "--verify", *at]):
        asked = ["search", *asked]
        ran = tv(*asked)
        assert (ran.status, ran.out) == (0, named.out)
    (hit,) = records(named)
    assert 0.9 < float(hit["probability"]) <= 1
    assert tv("search", copy, "-i", index, "--verify", "--unverified", "-k", 2).status == 0


def test_thresholds_are_set_by_name(tv: Tv, index: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    strict = tv("search", copy, "-i", index, "--verify", "default", "--min-probability", 1)
    assert strict.status == 1
    former = tv("search", copy, "-i", index, "--verify", "default", "--threshold", "few=9999")
    assert former.status == 2 and "--min-probability" in former.err
    wrong = tv("search", copy, "-i", index, "--verify", "scalable", "--threshold", "good=1")
    assert wrong.status == 2 and "high, low, enough, many, few" in wrong.err
    alone = tv("search", copy, "-i", index, "--threshold", "few=3")
    assert alone.status == 2 and "--verify" in alone.err
    liked = tv("search", "--like", copy, "-i", index, "--verify", "default")
    assert liked.status == 2 and "--like" in liked.err


def test_the_page_and_the_table_say_what_is_verified(tv: Tv, index: Path, tmp_path: Path) -> None:
    asked = ["search", tmp_path / "mirrored.png", "-i", index, "--verify", "default"]
    assert "inliers, mirrored" in tv(*asked, "--format", "table").out
    page = tv(*asked, "--unverified", "--format", "html").out
    assert page.count('class="verified"') == 1 and page.count('class="unverified"') == 4


def test_without_verify_opencv_is_not_loaded(index: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from tvcli.cli import run; "
        f"run(['search', {str(tmp_path / 'copy.png')!r}, '-i', {str(index)!r}]); "
        "sys.exit('cv2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize("size", [(800, 2), (1, 400), (1, 1)])
def test_thin_pictures_have_no_key_points_and_stop_nothing(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    picture(1).resize(size).save("p/thin.png")
    picture(2, 220, 180).save("p/good.png")
    assert tv("index", "p", "-o", "x.tvx", "--keypoints", "--size", 64).status == 0
    ran = tv("search", "p/good.png", "-i", "x.tvx", "--verify", "default", "-k", 2)
    assert [json.loads(line)["image"] for line in ran.out.splitlines()] == ["p/good.png"]
    for command in (
        ("search", "p/thin.png", "-i", "x.tvx", "--verify", "default"),
        ("dedupe", "p"),
        ("dedupe", "x.tvx"),
    ):
        ran = tv(*command)
        assert ran.status in (0, 1), ran.err
        assert "skipped" not in ran.err and "Warning" not in ran.err


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work beside p/ with two photos, wider than high."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    for seed in (1, 2):
        picture(seed, 220, 180).save(f"p/{seed}.png")


@pytest.mark.usefixtures("two")
def test_what_opencv_raises_on_a_photo_is_its_skip(tv: Tv, monkeypatch: pytest.MonkeyPatch) -> None:

    def fails(*_: object) -> None:
        cv2.resize(np.zeros((0, 0), np.uint8), (0, 0))

    monkeypatch.setattr("tvcli.core.matching.features._spread", fails)
    ran = tv("index", "p", "-o", "x.tvx", "--keypoints", "--size", 64)
    assert ran.status == 0
    assert "skipped p/1.png: no key points can be found" in ran.err
    ran = tv("dedupe", "p")
    assert ran.status in (0, 1)
    assert "p/1.png: no key points can be found" in ran.err


@pytest.mark.usefixtures("two")
def test_a_query_that_opencv_fails_on_is_skipped_and_the_others_are_answered(
    tv: Tv, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(3, 150, 220).save("upright.png")
    assert tv("index", "p", "-o", "x.tvx", "--keypoints", "--size", 64).status == 0

    def fails(found: object, shape: tuple[int, int], count: int) -> object:
        if shape[0] > shape[1]:
            cv2.resize(np.zeros((0, 0), np.uint8), (0, 0))
        return spread(found, shape, count)

    spread = features._spread
    monkeypatch.setattr(features, "_spread", fails)
    ran = tv("search", "upright.png", "p/1.png", "-i", "x.tvx", "--verify", "default")
    assert ran.status == 0
    assert [hit["image"] for hit in records(ran)] == ["p/1.png"]
    assert ran.err.count("skipped upright.png: no key points can be found") == 1
    alone = tv("search", "upright.png", "-i", "x.tvx", "--verify", "default")
    assert (alone.status, alone.out) == (3, "")
    assert "upright.png: no key points can be found" in alone.err


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("kept", [("--keypoints",), ()])
def test_a_photo_that_cannot_be_compared_ends_no_query(
    tv: Tv, monkeypatch: pytest.MonkeyPatch, kept: tuple[str, ...]
) -> None:
    picture(3, 150, 220).save("p/upright.png")
    assert tv("index", "p", "-o", "x.tvx", "--size", 64, *kept).status == 0
    pairs = matcher._pairs

    def fails(tree: object, gallery: features.Keypoints) -> object:
        if gallery.region[3] > 200:
            cv2.resize(np.zeros((0, 0), np.uint8), (0, 0))
        return pairs(tree, gallery)

    monkeypatch.setattr(matcher, "_pairs", fails)
    ran = tv("search", "p/upright.png", "p/1.png", "-i", "x.tvx", "--verify", "default")
    assert ran.status == 0, ran.err
    # As a whole it is still the same as itself.
    assert [hit["image"] for hit in records(ran)] == ["p/upright.png", "p/1.png"]
    assert ran.err.count("skipped p/upright.png: cannot be compared: ") == 1
    ran = tv("dedupe", "p")
    assert ran.status in (0, 1), ran.err


def test_copies_on_either_side_are_found_beside_each_other(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    for seed in range(14):  # so many that votes choose among them
        picture(seed, 220, 180).save(f"p/{seed:02}.png")
    ImageOps.mirror(picture(3, 220, 180)).save("p/mirrored.png")
    picture(3, 220, 180).crop((30, 20, 220, 160)).save("p/part.png")
    assert tv("index", "p", "-o", "x.tvx", "--keypoints", "--size", 64).status == 0
    hits = records(tv("search", "p/03.png", "-i", "x.tvx", "--verify"))
    assert {hit["image"] for hit in hits} == {"p/03.png", "p/mirrored.png", "p/part.png"}
    assert [hit["image"] for hit in hits if hit["mirrored"]] == ["p/mirrored.png"]


@pytest.fixture
def many(scenes: Path, tmp_path: Path) -> list[Path]:
    """Eight queries: changed copies, strangers, and one that is no photo."""
    queries = [tmp_path / name for name in ("copy.png", "stranger.png", "mirrored.png")]
    for seed in range(2):
        queries.append(tmp_path / f"turned{seed}.png")
        scene(seed).rotate(20 + 50 * seed, expand=True).save(queries[-1])
        queries.append(tmp_path / f"other{seed}.png")
        scene(50 + seed).resize((120, 90)).save(queries[-1])
    queries.insert(4, tmp_path / "none.png")
    queries[4].write_bytes(b"no photo")
    return queries


@pytest.mark.parametrize(
    ("kept", "options"),
    [
        (["--keypoints"], ["--verify", "--unverified"]),
        (["--keypoints", "--method", "sift"], ["--verify"]),
        ([], ["--verify"]),
        (["--keypoints"], ["--verify", "scalable"]),
    ],
)
def test_many_queries_at_a_time_are_answered_as_one_after_the_other(
    tv: Tv,
    scenes: Path,
    many: list[Path],
    tmp_path: Path,
    kept: list[str],
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tvcli.core.searching.verifier.cores", lambda: 4)
    monkeypatch.setattr("tvcli.core.parallel.cores", lambda: 4)
    for seed in range(20, 27):  # so many that votes choose among them
        scene(seed).save(scenes / f"{seed}.png")
    index = tmp_path / "x.tvx"
    assert tv("index", scenes, *kept, "-o", index, "-q").status == 0
    asked = ["-i", index, *options]
    alone = [tv("search", query, *asked) for query in many]
    assert [ran.status for ran in alone].count(3) == 1  # what is no photo
    together = tv("search", *many, *asked)
    assert together.status == 0
    assert together.out == "".join(ran.out for ran in alone)
    assert together.err.count("skipped") == 1


def test_each_photo_is_described_once_for_many_queries_and_a_bad_one_told_once(
    tv: Tv, scenes: Path, many: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tvcli.core.searching.verifier.cores", lambda: 4)
    monkeypatch.setattr("tvcli.core.parallel.cores", lambda: 4)
    assert tv("index", scenes, "-o", tmp_path / "x.tvx", "-q").status == 0
    (scenes / "1.png").write_bytes(b"no photo")
    (scenes / "4.png").unlink()
    described: list[int] = []
    once = keypoints.Kept.described

    def counted(kept: keypoints.Kept, row: int) -> tuple[features.Keypoints, str]:
        described.append(row)
        return once(kept, row)

    monkeypatch.setattr(keypoints.Kept, "described", counted)
    errors = tmp_path / "errors.jsonl"
    asked = ["-i", tmp_path / "x.tvx", "--verify", "--errors", errors]
    ran = tv("search", *many, *asked)
    assert ran.status == 0, ran.err
    assert sorted(described) == [0, 1, 2, 3, 4]
    told = [json.loads(line) for line in errors.read_text().splitlines()]
    assert sorted((Path(one["image"]).name, one["stage"]) for one in told) == [
        ("1.png", "keypoints"), ("4.png", "keypoints"), ("none.png", "query"),
    ]  # fmt: skip
    strict = tv("search", *many[:4], *asked, "--strict")
    assert strict.status == 3 and "--strict stops at the first bad photo" in strict.err


def test_a_signal_in_the_middle_ends_the_queries_under_way(
    scenes: Path, index: Path, tmp_path: Path
) -> None:
    queries = [tmp_path / f"many{number:03}.png" for number in range(300)]
    for number, query in enumerate(queries):
        scene(number % 5).save(query)
    searching = subprocess.Popen(
        [sys.executable, "-m", "tvcli", "search", *queries, "-i", index, "--verify"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    assert searching.stdout is not None
    first = json.loads(searching.stdout.readline())
    searching.send_signal(signal.SIGINT)
    rest, said = searching.communicate(timeout=60)
    assert searching.returncode == 130
    assert "Traceback" not in said
    hits = [first, *map(json.loads, rest.splitlines())]
    asked = [str(hit["query"]) for hit in hits]
    assert asked == sorted(asked) and len(set(asked)) < len(queries)
