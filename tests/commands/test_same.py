import io
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, drawn
from PIL import Image, ImageOps

from tvcli.core.errors import BadInput
from tvcli.core.files import pipes
from tvcli.core.images.photo import Photo, decode_photo
from tvcli.core.matching.matched_points import matched_points
from tvcli.core.matching.pair import match_pair
from tvcli.core.matching.pairs import NamedPair, pair_of, read_pairs

Tv = Callable[..., Ran]


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    drawn(1).save("a.png")
    drawn(1).crop((40, 30, 300, 220)).save("part.png")
    drawn(2).save("b.png")
    Path("broken.png").write_bytes(b"broken")
    return tmp_path


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def test_a_part_is_the_same_picture_and_the_transform_says_which(tv: Tv) -> None:
    ran = tv("same", "part.png", "a.png")
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    assert (found["first"], found["second"], found["same"]) == ("part.png", "a.png", True)
    assert found["inliers"] > 20 and found["mirrored"] is False
    pair = match_pair(*(decode_photo(Path(name).read_bytes()) for name in ("part.png", "a.png")))
    assert found["probability"] == round(pair.match.probability, 6) > 0.9
    said = f"probability {pair.match.probability:.3f}"
    for format in ("table", "html"):
        assert said in tv("same", "part.png", "a.png", "--format", format).out
    corner = np.array(found["transform"]) @ (0, 0, 1)
    assert corner[:2] / corner[2] == pytest.approx((40, 30), abs=2)
    expected = [[40, 30], [300, 30], [300, 220], [40, 220]]
    assert np.array(found["outline"]) == pytest.approx(np.array(expected), abs=2)
    back = json.loads(tv("same", "a.png", "part.png").out)
    assert back["same"]
    assert back["outline"][0] == pytest.approx([-40, -30], abs=4)  # beyond the part


def test_the_exit_status_is_that_of_cmp(tv: Tv) -> None:
    ran = tv("same", "a.png", "b.png")
    assert ran.status == 1 and json.loads(ran.out)["same"] is False
    assert json.loads(ran.out)["probability"] < 0.43
    for silent, status in ((("a.png", "part.png"), 0), (("a.png", "b.png"), 1)):
        ran = tv("same", "-s", *silent)
        assert (ran.status, ran.out, ran.err) == (status, "", "")
    ran = tv("same", "a.png", "broken.png")
    assert ran.status == 3 and ran.err == "tv: broken.png: not a picture that can be read\n"
    ran = tv("same", "nowhere.png", "a.png")
    assert ran.status == 3 and ran.err == "tv: nowhere.png: not found\n"
    for wrong in (("a.png",), ("a.png", "b.png", "part.png")):
        ran = tv("same", *wrong)
        assert ran.status == 2 and "name two photos, or - for pairs on stdin" in ran.err


def test_one_of_two_photos_may_come_from_stdin(tv: Tv, stdin: Callable[[bytes], None]) -> None:
    stdin(Path("part.png").read_bytes())
    ran = tv("same", "a.png", "-")
    assert ran.status == 0 and json.loads(ran.out)["second"] == "-"
    stdin(b"")
    assert tv("same", "-", "a.png").status == 3
    ran = tv("same", "-", "-")
    assert ran.status == 3 and "only one of the two photos can come from stdin" in ran.err


def test_pipes_with_a_name_are_read_once(tv: Tv) -> None:
    os.mkfifo("pipe")
    data = Path("part.png").read_bytes()
    for more, found in (((), '"second": "pipe"'), (("--html",), "data:image/jpeg")):
        writer = threading.Thread(target=Path("pipe").write_bytes, args=(data,))
        writer.start()
        ran = tv("same", "a.png", "pipe", *more)
        writer.join()
        assert ran.status == 0 and found in ran.out
        pipes.pipe_stream("pipe").close()
        pipes._opened.cache_clear()


def test_pairs_are_answered_in_order_and_a_bad_photo_stops_none(
    tv: Tv, stdin: Callable[[bytes], None]
) -> None:
    lines = [b"a.png\tpart.png", b"", b"a.png\tbroken.png", b"gone.png\ta.png", b"a.png\tb.png\r"]
    lines += [
        b'{"original": "a.png", "image": "part.png"}',
        b'{"query": "b.png", "image": "a.png"}',
    ]
    stdin(b"\n".join(lines))
    ran = tv("same", "-", "--format", "tsv", "--errors", "errors.jsonl")
    assert ran.status == 1
    found = [line.split("\t") for line in ran.out.splitlines()]
    assert [(first, second, verdict) for verdict, _, first, second in found] == [
        ("a.png", "part.png", "same"),
        ("a.png", "b.png", "different"),
        ("a.png", "part.png", "same"),
        ("b.png", "a.png", "different"),
    ]
    assert "4 pairs, 2 the same picture, 2 skipped" in ran.err
    told = [json.loads(line) for line in Path("errors.jsonl").read_text().splitlines()]
    assert [record["image"] for record in told] == ["broken.png", "gone.png"]
    stdin(b"a.png\tbroken.png\n" * 3)
    ran = tv("same", "-")
    assert ran.status == 3 and "no pair could be compared" in ran.err
    stdin(b"a.png\tbroken.png\na.png\ta.png\n")
    assert tv("same", "-", "--strict").status == 3
    stdin(b"a.png\tbroken.png\na.png\ta.png\n")
    assert tv("same", "-").status == 0
    stdin(b"")
    ran = tv("same", "-")
    assert ran.status == 3 and "no pairs on stdin" in ran.err


@pytest.mark.parametrize("format", ["tsv", "jsonl"])
def test_answers_before_a_line_that_is_no_pair_are_printed(
    tv: Tv, stdin: Callable[[bytes], None], format: str
) -> None:
    stdin(b"a.png\tpart.png\na.png\tb.png\na.png\nb.png\tb.png\n")
    ran = tv("same", "-", "--format", format)
    first, second = ran.out.splitlines()
    assert "part.png" in first and "b.png" in second
    assert ran.status == 3 and ran.err.startswith("tv: stdin:3: ")


def test_names_with_anything_in_them_are_separated_by_nul(
    tv: Tv, stdin: Callable[[bytes], None]
) -> None:
    odd = os.fsdecode(b"odd\t\n\xff.png")
    Path(odd).write_bytes(Path("a.png").read_bytes())
    stdin(os.fsencode(odd) + b"\0part.png\0")
    ran = tv("same", "-", "-0")
    assert ran.status == 0 and json.loads(ran.out)["first"] == odd
    stdin(os.fsencode(odd) + b"\0part.png\0a.png\0")
    ran = tv("same", "-0", "-")
    assert ran.status == 3 and "an odd number of paths" in ran.err


@pytest.mark.parametrize(
    "line",
    [
        b"a.png b.png",
        b"a.png\tb.png\tc.png",
        b"\ta.png",
        b'{"first": "a.png"}',
        b'{"first": "a.png", "second": 3}',
        b'{"first": ',
        b"[" * 3000,
        b'{"first":' * 3000,
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_lines_that_are_no_pairs_are_named(line: bytes) -> None:
    with pytest.raises(BadInput, match="stdin:2: "):
        list(read_pairs(io.BytesIO(b"a.png\tb.png\n" + line)))


def test_pairs_are_read_as_they_come_and_no_line_without_end() -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = b"a" * len(buffer)
            return len(buffer)

    with pytest.raises(BadInput, match="more than 1 MiB"):
        next(read_pairs(io.BufferedReader(Endless())))
    assert pair_of("a", "b", io.BytesIO()) == NamedPair("a", "b")


def test_a_name_with_nul_in_a_record_is_a_photo_that_is_not_there(
    tv: Tv, stdin: Callable[[bytes], None]
) -> None:
    stdin(b'{"first": "a\\u0000.png", "second": "a.png"}\n{"first": "a.png", "second": "a.png"}')
    ran = tv("same", "-")
    assert ran.status == 0 and "not a path" in ran.err


def test_the_page_shows_both_photos_the_outline_and_the_points(tv: Tv) -> None:
    ran = tv("same", "part.png", "a.png", "--html")
    assert ran.status == 0
    assert ran.out.count("<image ") == 2 and ran.out.count('<polygon class="over"') == 2
    assert ran.out.count("<line ") > 20 and "✓ the same picture" in ran.out
    assert ran.out == tv("same", "part.png", "a.png", "--format", "html").out
    ran = tv("same", "b.png", "a.png", "--html")
    assert ran.status == 1 and "✗ not the same picture" in ran.out
    assert "<polygon" not in ran.out and "<line" not in ran.out


def test_the_page_of_pairs_shows_no_photos_from_elsewhere(
    tv: Tv, stdin: Callable[[bytes], None], there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (there / "here").mkdir()
    monkeypatch.chdir(there / "here")
    stdin(b"../a.png\t../part.png\n")
    ran = tv("same", "-", "--html")
    assert "outside the folder of the photos" in ran.out and "data:image" not in ran.out
    stdin(b"../a.png\t../part.png\n")
    assert "data:image" in tv("same", "-", "--html", "--allow", "..").out


def test_a_name_does_not_act_on_the_page(tv: Tv) -> None:
    name = "<script>alert(1)<b>.png"
    Path(name).write_bytes(Path("a.png").read_bytes())
    ran = tv("same", name, "part.png", "--html")
    assert ran.status == 0 and "<script>" not in ran.out and "&lt;script&gt;" in ran.out


@pytest.mark.parametrize("mirrored", [False, True])
def test_matched_points_lie_where_the_map_says(mirrored: bool) -> None:
    image = drawn(3)
    copy = ImageOps.mirror(image) if mirrored else image.rotate(20, expand=True)
    first, second = (Photo(one, one.width, one.height) for one in (image, copy))
    match = match_pair(first, second).match
    found = matched_points(first, second, match)
    assert 20 < len(found) <= 60 and match.mirrored is mirrored
    ends = np.column_stack([found[:, :2], np.ones(len(found))]) @ match.transform.T
    apart = np.linalg.norm(ends[:, :2] / ends[:, 2:] - found[:, 2:], axis=1)
    assert np.median(apart) < 2 and apart.max() < 0.02 * max(copy.size)
    if mirrored:
        assert found[:, 2] == pytest.approx(image.width - found[:, 0], abs=0.02 * image.width)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1)])
def test_photos_of_a_pixel_or_a_line_are_compared_too(tv: Tv, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "red").save("thin.png")
    assert tv("same", "thin.png", "a.png").status == 1
    assert tv("same", "thin.png", "a.png", "--html").status == 1
