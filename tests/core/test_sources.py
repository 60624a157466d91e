import io
import os
from pathlib import Path

import pytest

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.sources import Source, open_sources, walk_photos


def opened(*arguments: object, stdin: bytes = b"", **options: object) -> Source:
    return open_sources([str(a) for a in arguments], stdin=io.BytesIO(stdin), **options)


def images(source: Source) -> list[str]:
    return [region.image for region in source.regions]


def test_a_folder_is_walked_in_order(photos: Path) -> None:
    (photos / "notes.txt").write_text("no photo")
    (photos / ".hidden.png").write_bytes(b"x")
    (photos / ".cache").mkdir()
    (photos / ".cache" / "a.png").write_bytes(b"x")
    source = opened(photos)
    assert source.root == photos
    assert images(source) == [
        *(f"{n}.png" for n in range(5)),
        *(f"inner/{n}.png" for n in (5, 6, 7)),
    ]


def test_several_arguments_share_a_root(photos: Path) -> None:
    source = opened(photos / "inner", photos / "0.png")
    assert source.root == photos
    assert images(source) == ["inner/5.png", "inner/6.png", "inner/7.png", "0.png"]


def test_root_can_be_chosen(photos: Path) -> None:
    assert images(opened(photos / "0.png", root=photos.parent)) == ["photos/0.png"]


def test_a_list_of_paths(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    Path("list.txt").write_text("0.png\n\ninner/5.png\n")
    assert images(opened("list.txt")) == ["0.png", "inner/5.png"]
    assert images(opened("-", stdin=b"3.png\ninner/6.png")) == ["3.png", "inner/6.png"]


def test_nul_separated_paths_may_hold_anything(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    names = ["a b.png", "new\nline.png", "été.png", b"caf\xe9.png"]
    stdin = b"\0".join(os.fsencode(name) for name in names) + b"\0"
    assert images(opened("-", stdin=stdin, null=True)) == [
        os.fsdecode(os.fsencode(n)) for n in names
    ]


def test_records_are_relative_to_their_file(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = photos / "boxes.jsonl"
    records.write_text('{"image": "0.png", "box": [1, 2, 30, 40], "label": "x"}\n')
    monkeypatch.chdir(photos.parent)
    source = opened(records)
    (region,) = source.regions
    assert (source.root, region.image) == (photos, "0.png")
    assert (region.crop, region.label) == ((1, 2, 30, 40), "x")
    (piped,) = opened("-", stdin=b'{"image": "photos/0.png"}').regions
    assert piped.image == "photos/0.png"


def test_a_picture_on_stdin(photos: Path) -> None:
    (region,) = opened("-", stdin=(photos / "0.png").read_bytes()).regions
    assert region.data == (photos / "0.png").read_bytes()


def test_a_photo_that_is_not_there_is_left_to_be_skipped(tmp_path: Path) -> None:
    assert images(opened(tmp_path / "missing.jpg")) == ["missing.jpg"]


def test_what_cannot_be_a_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"\0\1\2\3" * 100)
    with pytest.raises(UsageError, match="name photos"):
        opened()
    for arguments, stdin, reason in [
        ([tmp_path / "nothing"], b"", "no such file"),
        ([tmp_path / "blob"], b"", "neither a photo nor a list"),
        (["-"], b"", "nothing on standard input"),
        (["-"], b"\x89HDF\r\n\x1a\n", "HDF5"),
        (["-"], str(tmp_path).encode(), "is a folder"),
    ]:
        with pytest.raises(BadInput, match=reason):
            images(opened(*arguments, stdin=stdin))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folders_are_told(photos: Path) -> None:
    (photos / "inner").chmod(0)
    told: list[str] = []
    list(walk_photos(photos, lambda path, reason: told.append(path)))
    (photos / "inner").chmod(0o755)
    assert told == [str(photos / "inner")]


def test_links_to_folders_are_not_followed(photos: Path) -> None:
    (photos / "loop").symlink_to(photos)
    (photos / "link.png").symlink_to(photos / "0.png")
    found = [path.name for path in walk_photos(photos)]
    assert found.count("0.png") == 1
    assert "link.png" in found


def test_paths_are_yielded_before_the_stream_ends(photos: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stream:
        os.write(write, b"0.png\n1.png\n")
        source = open_sources(["-"], stdin=stream, root=photos)
        assert next(source.regions).image.endswith("0.png")
        os.close(write)
        assert len(list(source.regions)) == 1


def test_pictures_of_other_kinds_in_folders_are_told(photos: Path) -> None:
    for name in ("a.PSD", "b.jp2", "c.txt", ".d.psd", "e.mpo"):
        (photos / name).write_bytes(b"x")
    told: list[str] = []
    found = [path.name for path in walk_photos(photos, on_left_out=told.append)]
    assert "e.mpo" in found
    assert told == [str(photos / "a.PSD"), str(photos / "b.jp2")]


@pytest.mark.parametrize(
    "start",
    [
        b"P6\n3 2\n255\nabc",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x0cjP  \r\n",
        b"8BPS\0\1",
        b"II+\0\x08\0\0\0",
        b"RIFF\1\2\3\4WEBP",
        b"%!PS-Adobe-3.0 EPSF-3.0\n300 200 scale\n",
        b"%PDF-1.4\n1 0 obj\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg width="9"/>',
    ],
)
def test_a_picture_of_any_kind_is_one_photo(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "x").write_bytes(start)
    (region,) = open_sources([str(tmp_path / "x")], root=tmp_path).regions
    assert region.image == "x"
    (region,) = open_sources(["-"], stdin=io.BytesIO(start)).regions
    assert region.data == start


@pytest.mark.parametrize(
    "content", [b"\1\2x\0\1", b"y" * 300, b"a.jpg\n" * 100 + b"\0", b"\x1f\x8b\x08ab\ncd"]
)
def test_binary_is_no_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    for arguments in ([str(tmp_path / "x")], ["-"]):
        with pytest.raises(BadInput, match="neither a photo nor a list of paths or records"):
            list(open_sources(arguments, stdin=io.BytesIO(content)).regions)


def test_names_may_have_characters_that_no_text_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a\1b.jpg").write_bytes(b"x")
    found = open_sources(["-"], stdin=io.BytesIO(b"a\1b.jpg\nc.jpg\n")).regions
    assert [region.image for region in found] == ["a\1b.jpg", "c.jpg"]
    marked = open_sources(["-"], stdin=io.BytesIO(b"\x1b[31mc.jpg\n")).regions
    assert [region.image for region in marked] == ["\x1b[31mc.jpg"]  # is not there, and is skipped


def test_a_list_may_begin_like_a_bitmap(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("BMW.jpg\nRIFFs.png\n")
    assert [r.image for r in open_sources([str(tmp_path / "list")], root=Path()).regions] == [
        "BMW.jpg",
        "RIFFs.png",
    ]


def test_photos_without_an_object_are_no_regions_unless_they_are_asked_for(photos: Path) -> None:
    boxes = photos / "boxes.jsonl"
    about = '"width": 96, "height": 80'
    boxes.write_text(
        f'{{"image": "0.png", {about}, "box": [1, 1, 9, 9]}}\n'
        f'{{"image": "1.png", {about}, "empty": true}}\n'
    )
    assert images(opened(boxes)) == ["0.png"]
    regions = list(opened(boxes, empty=True).regions)
    assert [(region.image, region.empty, region.crop) for region in regions] == [
        ("0.png", False, (1, 1, 9, 9)),
        ("1.png", True, None),
    ]


def test_photos_are_named_as_they_are_found(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    for folder, argument, expected in (
        (tmp_path, "photos", "photos/0.png"),
        (tmp_path / "elsewhere", "../photos", str(photos / "0.png")),
        (photos, "0.png", "0.png"),
        (tmp_path, str(photos), "photos/0.png"),
    ):
        monkeypatch.chdir(folder)
        source = open_sources([argument])
        assert source.named(next(source.regions)) == expected
