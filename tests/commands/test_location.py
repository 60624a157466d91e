"""The chain from boxes to located objects, taught on small pictures: a bright disc on noise."""

import json
from collections.abc import Callable
from contextlib import redirect_stderr
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran
from PIL import Image, ImageDraw

from tvcli.core.backbones.graphs import OnnxGraph
from tvcli.core.backbones.specs import Runtime
from tvcli.core.files.records import read_record_file
from tvcli.core.heads import HeadFile
from tvcli.core.images.photo import decode_photo
from tvcli.core.location import head_graphs, locating

Tv = Callable[..., Ran]
RUNTIMES: tuple[Runtime, ...] = ("onnx", "torch")
SIZE = 112  # of a crop as encoded: seven positions a side


def draw(path: Path, seed: int, *, disc: bool = True) -> list[int]:
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 90, (20, 24, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((192, 160), Image.Resampling.BICUBIC)
    side = int(rng.integers(50, 90))
    x, y = int(rng.integers(0, 192 - side)), int(rng.integers(0, 160 - side))
    box = [x, y, x + side, y + side]
    if disc:
        ImageDraw.Draw(picture).ellipse(box, fill=(250, 210, 30), outline=(200, 20, 20), width=6)
    picture.save(path)
    return box


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with photos, boxes.jsonl, crops, and both heads."""
    from tvcli.cli import run

    folder = tmp_path_factory.mktemp("taught")
    (folder / "photos").mkdir()
    records = []
    for number in range(24):
        name = f"photos/{number:02}.png"
        box = draw(folder / name, number)
        split = "test" if number % 4 == 0 else "train"
        about = {"image": name, "width": 192, "height": 160, "box": box}
        records.append(about | {"label": "disc", "split": split})
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "boxes.jsonl").write_text(lines)
    files = {"boxes.jsonl", "crops.jsonl", "crops.h5", "classifier.h5", "boxes.h5", "p.png"}
    for command in (
        ["crops", "boxes.jsonl", "-o", "crops.jsonl", "--per-photo", 4, "--looks", 8],
        ["encode", "crops.jsonl", "-o", "crops.h5", "--size", SIZE],
        ["train-classifier", "crops.h5", "-o", "classifier.h5", "--plot", "p.png"],
        ["train-boxes", "crops.h5", "-o", "boxes.h5"],
    ):
        words = [str(w) for w in command]
        with redirect_stderr(StringIO()) as said:
            assert run([str(folder / w) if w in files else w for w in words]) == 0
        (folder / f"{words[0]}.said").write_text(said.getvalue())
    return folder


def heads(folder: Path) -> tuple[object, ...]:
    return "--classifier", folder / "classifier.h5", "--boxes", folder / "boxes.h5"


def test_crops_of_every_kind(taught: Path) -> None:
    records = [record for record, _ in read_record_file(taught / "crops.jsonl")]
    kinds = [record["target"] for record in records]
    assert kinds.count("target") == 24 * 4
    assert kinds.count("look") == 24 * 8
    assert records[0]["image"] == "photos/00.png"


def test_a_located_query_is_explained_in_its_box(
    tv: Tv, taught: Path, tmp_path: Path, added_up: Callable[..., None]
) -> None:
    index = tmp_path / "located.tvx"
    assert tv("index", taught / "photos", *heads(taught), "--size", 64, "-o", index).status == 0
    query = taught / "photos" / "03.png"
    ran = tv("search", query, "-i", index, "-k", 3, "--explain", tmp_path / "why")
    assert ran.status == 0, ran.err
    hits = [json.loads(line) for line in ran.out.splitlines()]
    assert Path(hits[0]["image"]).name == "03.png"
    added_up(hits)
    x0, y0, x1, y1 = hits[0]["box"]
    long = max(x1 - x0, y1 - y0)
    with Image.open(hits[0]["explain"]) as drawn:
        assert drawn.width == pytest.approx(3 * 8 + 2 * 320 * (x1 - x0) / long, abs=3)


@pytest.mark.parametrize(("command", "wanted"), [("locate", 3), ("search", 3), ("index", 0)])
def test_photos_before_a_bad_line_are_located(
    tv: Tv,
    taught: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    wanted: int,
) -> None:
    index = tmp_path / "located.tvx"
    options: dict[str, tuple[object, ...]] = {
        "locate": ("--keep-empty", *heads(taught)),
        "index": ("-o", tmp_path / "other.tvx", *heads(taught)),
        "search": ("-i", index, "-k", 1),
    }
    if command == "search":
        made = tv("index", taught / "photos", *heads(taught), "--size", 64, "-o", index)
        assert made.status == 0, made.err
    lines = [json.dumps({"image": str(taught / f"photos/0{n}.png")}) for n in range(3)]
    given = "\n".join([*lines, '{"image": 5}', "", ""]).encode()
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(given)))
    ran = tv(command, "-", *options[command])
    assert ran.status == 3
    assert '-:4: a record needs an "image"' in ran.err
    assert len(ran.out.splitlines()) == wanted, ran.err
    assert not (tmp_path / "other.tvx").exists()


def test_pictures_of_photos_with_the_longest_names_are_written(
    tv: Tv, taught: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "photos" / ("n" * 251 + ".png")
    photo.parent.mkdir()
    photo.write_bytes((taught / "photos/03.png").read_bytes())
    folders = tmp_path / "crops", tmp_path / "drawn"
    pictures = ("--save-crops", folders[0], "--draw", folders[1])
    ran = tv("locate", photo, *heads(taught), *pictures)
    assert ran.status == 0, ran.err
    assert all(any(folder.iterdir()) for folder in folders)
    box = json.loads(ran.out.splitlines()[0])["box"]
    (tmp_path / "b.jsonl").write_text(json.dumps({"image": str(photo), "box": box}))
    cut = tmp_path / "cut"
    ran = tv("crops", tmp_path / "b.jsonl", "-o", tmp_path / "c.jsonl", "--save-images", cut)
    assert ran.status == 0 and any(cut.iterdir()), ran.err


def test_what_was_taught_is_found(tv: Tv, taught: Path, tmp_path: Path) -> None:
    out = tmp_path / "located.jsonl"
    ran = tv("locate", taught / "photos", *heads(taught), "-o", out, "--draw", tmp_path / "drawn")
    assert (ran.status, ran.out) == (0, "")
    found = len(out.read_text().splitlines())
    assert 22 <= found <= 25  # of 24 discs
    assert ran.err.splitlines()[-1].startswith(f"{found} boxes in ")
    assert len(list((tmp_path / "drawn").iterdir())) >= 22
    ran = tv("eval", "boxes", out, taught / "boxes.jsonl")
    measures = json.loads(ran.out)
    assert measures["mean_iou"] > 0.75
    assert measures["spurious"] <= 2


def test_locating_twice_gives_the_same(tv: Tv, taught: Path) -> None:
    first, second = (tv("locate", taught / "photos/03.png", *heads(taught)) for _ in range(2))
    assert first.out == second.out
    record = json.loads(first.out)
    assert record["label"] == "disc"
    assert 0 <= record["score"] <= 1


def test_shards_merge_into_what_one_run_gives(tv: Tv, taught: Path, tmp_path: Path) -> None:
    whole, merged = tmp_path / "whole.jsonl", tmp_path / "merged.jsonl"
    parts = [tmp_path / f"part-{number}.jsonl" for number in (1, 2)]
    few = ("--looks", 0)
    assert tv("locate", taught / "photos", *heads(taught), *few, "-o", whole).status == 0
    for number, part in enumerate(parts, 1):
        shard = ("--shard", f"{number}/2")
        ran = tv("locate", taught / "photos", *heads(taught), *few, *shard, "-o", part)
        rows = len(part.read_text().splitlines()) - 1
        assert ran.err.splitlines()[-1].startswith(f"{rows} boxes in {rows} photos in ")
    assert tv("merge", *parts, "-o", merged).status == 0
    assert merged.read_text() == whole.read_text()
    assert tv("encode", parts[0], "-o", tmp_path / "e.h5", "--size", 64).status == 0  # note skipped
    other = ("--looks", 2, "--shard", "2/2")
    tv("locate", taught / "photos", *heads(taught), *other, "-o", parts[1])
    ran = tv("merge", *parts, "-o", merged)
    assert (ran.status, "its located looks is 2, not 0" in ran.err) == (4, True)


@pytest.mark.parametrize("way", ["mean", "median", "weighted", "cluster"])
def test_every_way_of_combining_finds_something(tv: Tv, taught: Path, way: str) -> None:
    ran = tv("locate", taught / "photos/03.png", *heads(taught), "--combine", way)
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 1


def test_a_photo_without_object_gets_no_box_and_says_so(
    tv: Tv, taught: Path, tmp_path: Path
) -> None:
    draw(tmp_path / "empty.png", 99, disc=False)
    options = (*heads(taught), "--threshold", 0.9999)
    ran = tv("locate", tmp_path / "empty.png", *options)
    assert (ran.status, ran.out) == (0, "")
    assert "empty.png: no object found" in ran.err
    kept = tv("locate", tmp_path / "empty.png", *options, "--keep-empty")
    assert "box" not in json.loads(kept.out)


def test_many_photos_without_object_are_named_up_to_a_number(
    tv: Tv, taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p").mkdir()
    for number in range(4):
        draw(tmp_path / "p" / f"{number}.png", 99 + number, disc=False)
    monkeypatch.setattr("tvcli.terminal.progress.SHOWN_PHOTOS", 2)
    asked = ("locate", tmp_path / "p", *heads(taught), "--threshold", 0.9999)
    said = tv(*asked).err.splitlines()
    assert [line.endswith("png: no object found") for line in said[:2]] == [True, True]
    assert said[2:4] == [
        "more photos are noted; --verbose names them all",
        "no object found in 4 of 4 photos",
    ]
    assert tv(*asked, "--verbose").err.count("png: no object found") == 4


def test_a_bad_photo_is_skipped_and_nothing_but_bad_photos_is_an_error(
    tv: Tv, taught: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_text("text")
    ran = tv("locate", tmp_path / "bad.jpg", *heads(taught))
    assert ran.status == 3
    assert "bad.jpg: not a picture that can be read" in ran.err


def test_heads_are_not_mixed_up(tv: Tv, taught: Path) -> None:
    boxes = taught / "boxes.h5"
    ran = tv("locate", taught / "photos", "--classifier", boxes, "--boxes", boxes)
    assert ran.status == 3
    assert "a boxes head, where a classifier head is needed" in ran.err


def test_located_objects_are_encoded(tv: Tv, taught: Path, tmp_path: Path) -> None:
    out = tmp_path / "located.jsonl"
    assert tv("locate", taught / "photos/03.png", *heads(taught), "-o", out).status == 0
    assert tv("encode", out, "-o", tmp_path / "l.h5", "--size", SIZE).status == 0


def test_an_index_keeps_its_heads_and_locates_queries(tv: Tv, taught: Path, tmp_path: Path) -> None:
    index = tmp_path / "objects.tvx"
    ran = tv("index", taught / "photos", *heads(taught), "-o", index, "--size", SIZE)
    assert ran.status == 0, ran.err
    ran = tv("search", taught / "photos/03.png", "-i", index, "-k", 1)
    hit = json.loads(ran.out)
    assert hit["similarity"] > 0.999
    assert hit["box"] != [0, 0, 192, 160]
    assert hit["query_box"] == pytest.approx(hit["box"], abs=0.02)  # it is the same photo
    whole = json.loads(
        tv("search", taught / "photos/03.png", "-i", index, "-k", 1, "--no-locate").out
    )
    assert whole["similarity"] < hit["similarity"] and "query_box" not in whole


def test_a_located_search_loads_each_graph_and_head_once(
    tv: Tv, taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "objects.tvx"
    ran = tv("index", taught / "photos", *heads(taught), "-o", index, "--size", 224)
    assert ran.status == 0, ran.err
    graphs: list[str] = []
    loaded: list[str] = []
    make, load = OnnxGraph.__init__, locating.load_head

    def made(self: OnnxGraph, name: str, content: Path | bytes) -> None:
        graphs.append(Path(name).name)
        make(self, name, content)

    def noted(path: Path, kind: str) -> HeadFile:
        loaded.append(kind)
        return load(path, kind)

    monkeypatch.setattr(OnnxGraph, "__init__", made)
    for module in (locating, head_graphs):
        monkeypatch.setattr(module, "load_head", noted)
    assert tv("search", taught / "photos/03.png", "-i", index, "-k", 1).status == 0
    assert sorted(loaded) == ["boxes", "classifier"]
    assert len(graphs) == 3 and graphs.count("mini") == 1  # sizes differ, the network does not


def test_locating_needs_both_heads(tv: Tv, taught: Path, tmp_path: Path) -> None:
    ran = tv("index", taught / "photos", "--boxes", taught / "boxes.h5", "-o", tmp_path / "x.tvx")
    assert ran.status == 2
    assert "--classifier and --boxes go together" in ran.err
    assert tv("index", taught / "photos", "-o", tmp_path / "y.tvx", "--size", 64).status == 0
    ran = tv("search", taught / "photos/03.png", "-i", tmp_path / "y.tvx", "--locate")
    assert ran.status == 2
    assert "keeps no heads" in ran.err


def test_boxes_are_converted(tv: Tv, taught: Path, tmp_path: Path) -> None:
    assert tv("crops", taught / "boxes.jsonl", "--to", "voc", "-o", tmp_path / "voc").status == 0
    back = tmp_path / "back.jsonl"
    arguments = ("--from", "voc", "--root", taught / "photos", "--to", "jsonl", "-o", back)
    assert tv("crops", tmp_path / "voc", *arguments).status == 0
    boxes = [record["box"] for record, _ in read_record_file(back)]
    expected = [record["box"] for record, _ in read_record_file(taught / "boxes.jsonl")]
    assert boxes == expected


def test_boxes_are_converted_to_standard_output(tv: Tv, taught: Path, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    assert tv("crops", taught / "boxes.jsonl", "--to", "coco", "-o", file).status == 0
    for format in ("coco", "via", "jsonl"):
        ran = tv("crops", file, "--from", "coco", "--to", format, "-o", "-")
        assert ran.status == 0, ran.err
        lines = [json.loads(line) for line in ran.out.splitlines()]
        if format == "jsonl":
            assert all("box" in line and "target" not in line for line in lines)
        else:
            assert len(lines) == 1
    for format in ("voc", "yolo", "labelme"):
        ran = tv("crops", file, "--from", "coco", "--to", format, "-o", "-")
        assert (ran.status, ran.out) == (2, "")
        assert "writes a folder of files: name it by -o" in ran.err


def test_what_is_no_box_is_named_and_counted(tv: Tv, taught: Path, tmp_path: Path) -> None:
    content = {
        "images": [{"id": 1.0, "file_name": "03.png"}],
        "annotations": [{"image_id": 1, "bbox": [1, 2, 30, 40]}, {"image_id": 2}],
    }
    (tmp_path / "c.json").write_text(json.dumps(content))
    arguments = ("--from", "coco", "--root", taught / "photos", "--to", "jsonl")
    ran = tv("crops", tmp_path / "c.json", *arguments, "-o", tmp_path / "o.jsonl")
    assert ran.status == 0
    assert "c.json: annotation 2: image_id 2 is not among the images" in ran.err
    assert "1 box in" in ran.err and "1 skipped" in ran.err
    ran = tv("crops", tmp_path / "c.json", *arguments, "-o", "-", "--strict")
    assert ran.status == 3


def test_saved_crops(tv: Tv, taught: Path, tmp_path: Path) -> None:
    arguments = ("--per-photo", 1, "--looks", 0, "--save-images", tmp_path / "c", "--size", 64)
    assert tv("crops", taught / "boxes.jsonl", "-o", tmp_path / "c.jsonl", *arguments).status == 0
    pictures = sorted((tmp_path / "c").iterdir())
    with Image.open(pictures[0]) as picture:
        assert picture.size == (64, 64)


def test_training_says_how_good_it_is(taught: Path) -> None:
    said = (taught / "train-classifier.said").read_text()
    for word in ("accuracy", "precision", "recall", "threshold"):
        assert word in said
    assert (taught / "p.png").is_file()
    assert (taught / "p-precision-recall.png").is_file()
    assert (taught / "classifier.h5").stat().st_size > 0


def test_boxes_training_stands_beside_the_mean_box(taught: Path) -> None:
    nets, mean = (taught / "train-boxes.said").read_text().splitlines()[:2]
    assert nets.startswith("nets:")
    assert mean.startswith("mean box:")
    assert "IoU" in nets


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scales", "0.5"], "--scales 0.5: numbers of at least 1"),
        (["--extend", "1"], "--extend 1: 2 numbers"),
        (["--from", "csv"], "--from csv: one of jsonl, coco, voc, yolo, via"),
    ],
)
def test_wrong_usage(
    tv: Tv, taught: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    ran = tv("crops", taught / "boxes.jsonl", "-o", tmp_path / "c.jsonl", *arguments)
    assert ran.status == 2
    assert message in ran.err


def test_no_crops_to_learn_from(tv: Tv, taught: Path, tmp_path: Path) -> None:
    encoded = tmp_path / "e.h5"
    assert tv("encode", taught / "photos/00.png", "-o", encoded, "--size", SIZE).status == 0
    ran = tv("train-boxes", encoded, "-o", tmp_path / "b.h5")
    assert ran.status == 3
    assert "make them with: tv crops" in ran.err


def test_some_of_the_photos(tv: Tv, taught: Path) -> None:
    def images(*choice: object) -> list[str]:
        ran = tv("locate", taught / "photos", *heads(taught), "--keep-empty", *choice)
        assert ran.status == 0
        return list(dict.fromkeys(Path(json.loads(x)["image"]).name for x in ran.out.splitlines()))

    names = [f"{number:02}.png" for number in range(24)]
    assert images("--limit", 3) == names[:3]
    four = images("--sample", 4)
    assert len(four) == 4 and four == sorted(four) and four != names[:4]
    assert images("--sample", 4, "--seed", 0, "--limit", 2) == four[:2]
    assert images("--sample", 4, "--seed", 1) != four


@pytest.mark.parametrize(
    ("effort", "most"),
    [
        ("fast", 1),
        ("fast", 3),
        ("normal", 1),
        ("normal", 3),
        ("thorough", 1),
        pytest.param("thorough", 3, marks=pytest.mark.long),
    ],
)
def test_without_torch_boxes_are_those_of_torch(taught: Path, effort: Any, most: int) -> None:
    from tvcli.core.location.locate import LocateSettings
    from tvcli.core.location.locating import load_locator

    files = taught / "classifier.h5", taught / "boxes.h5"
    settings = LocateSettings(0.2, effort=effort, max_objects=most)
    files_of_photos = sorted((taught / "photos").iterdir())[:8]  # discs of all sizes and places
    photos = [decode_photo(file.read_bytes()) for file in files_of_photos]
    found = [
        load_locator(*files, settings, device="cpu", runtime=runtime).locate_all(photos)
        for runtime in RUNTIMES
    ]
    sure = 0.25  # below, a last bit may decide whether a box is above the threshold
    for own, other in (*zip(*found, strict=True), *zip(*reversed(found), strict=True)):
        assert own and own[0].score > sure
        for one in (one for one in own if one.score > sure):
            near = [o for o in other if o.box == pytest.approx(one.box, abs=0.01)]
            assert [o.score for o in near] == [pytest.approx(one.score, abs=1e-4)]


def test_photos_together_give_what_each_gives_alone(taught: Path) -> None:
    from tvcli.core.location.locating import load_locator

    locator = load_locator(taught / "classifier.h5", taught / "boxes.h5", device="cpu")
    photos = [decode_photo(file.read_bytes()) for file in sorted((taught / "photos").iterdir())]
    together = locator.locate_all(photos[:6])
    assert together == [locator.locate(photo) for photo in photos[:6]]
    assert sum(map(len, together)) == 6


def test_efforts_are_points_of_a_curve(tv: Tv, taught: Path, tmp_path: Path) -> None:
    ious = []
    for effort in (["--fast"], [], ["--thorough"]):
        out = tmp_path / "located.jsonl"
        assert tv("locate", taught / "photos", *heads(taught), *effort, "-o", out).status == 0
        ran = tv("eval", "boxes", out, taught / "boxes.jsonl")
        ious.append(json.loads(ran.out)["mean_iou"])
    assert ious[0] < min(ious[1:])
    assert min(ious) > 0.6
    ran = tv("locate", taught / "photos", *heads(taught), "--fast", "--thorough")
    assert (ran.status, ran.err) == (2, "tv: --fast and --thorough: one at a time\n")


def test_queries_are_located_with_the_effort_of_the_index(
    tv: Tv, taught: Path, tmp_path: Path
) -> None:
    target = tmp_path / "fast.tvx"
    size = ("--size", SIZE)
    tv("index", taught / "photos", *heads(taught), *size, "--fast", "-o", target)
    ran = tv("search", taught / "photos/03.png", "-i", target, "-k", 1, "--format", "jsonl")
    hit = json.loads(ran.out)
    assert (Path(hit["image"]).name, hit["similarity"]) == ("03.png", pytest.approx(1, abs=2e-3))
    out = tmp_path / "located.jsonl"
    tv("locate", taught / "photos/03.png", *heads(taught), "--fast", "-o", out)
    assert hit["box"] == pytest.approx(json.loads(out.read_text())["box"], abs=0.01)
    ran = tv("index", taught / "photos", "--update", "--thorough", "-o", target)
    assert (ran.status, "objects are found as the index's were" in ran.err) == (2, True)
    manifest = target / "index.json"
    manifest.write_text(manifest.read_text().replace('"effort": "fast"', '"effort": "utter"'))
    ran = tv("search", taught / "photos/03.png", "-i", target)
    assert (ran.status, "located with the effort 'utter'" in ran.err) == (4, True)


def test_small_objects_of_large_jpegs_are_seen_in_all_their_pixels(
    tv: Tv, taught: Path, tmp_path: Path
) -> None:
    with Image.open(taught / "photos/03.png") as photo:
        large = photo.resize((192 * 12, 160 * 12), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=95)
    large.save(tmp_path / "large.png")
    boxes = [
        json.loads(tv("locate", tmp_path / name, *heads(taught)).out)["box"]
        for name in ("large.jpg", "large.png")
    ]
    assert boxes[0] == pytest.approx(boxes[1], abs=12)  # a pixel of the small photo


def draw_other(path: Path, seed: int) -> None:
    """Draw what is easily taken for the disc: a square or a triangle of its colours."""
    box = draw(path, seed, disc=False)
    picture = Image.open(path)
    pen, (x0, y0, x1, y1) = ImageDraw.Draw(picture), box
    colours = {"fill": (250, 210, 30), "outline": (200, 20, 20), "width": 6}
    if seed % 2:
        pen.rectangle(box, **colours)
    else:
        pen.polygon([(x0, y1), (x1, y1), ((x0 + x1) // 2, y0)], **colours)
    picture.save(path)


@pytest.fixture(scope="session")
def verified(taught: Path) -> Path:
    """Give the folder with a classifier `verified.h5` that learned from photos of other things."""
    from tvcli.cli import run

    for part, seeds in (("others", range(100, 112)), ("further", range(200, 212))):
        (taught / part).mkdir()
        for seed in seeds:
            draw_other(taught / part / f"{seed}.png", seed)
    crops, rows = taught / "v.jsonl", taught / "v.h5"
    boxes, others, head = taught / "boxes.jsonl", taught / "others", taught / "verified.h5"
    sizes = ["--per-photo", 4, "--looks", 8]
    for command in (
        ["crops", boxes, "--background", others, "-o", crops, *sizes],
        ["encode", crops, "-o", rows, "--size", SIZE],
        ["train-classifier", rows, "-o", head],
    ):
        assert run([str(word) for word in command]) == 0
    return taught


def test_photos_of_other_things_teach_what_is_not_the_object(
    tv: Tv, verified: Path, tmp_path: Path
) -> None:
    records = [record for record, _ in read_record_file(verified / "v.jsonl")]
    others = [record for record in records if record["image"].startswith("others/")]
    assert {record["target"] for record in others} == {"background", "look"}
    assert not any("box" in record for record in others)
    known = [*("--boxes", verified / "boxes.h5"), "--classifier"]
    before = tv("locate", verified / "further", *known, verified / "classifier.h5")
    after = tv("locate", verified / "further", *known, verified / "verified.h5")
    wrong, still = (len(ran.out.splitlines()) for ran in (before, after))
    assert wrong >= 2  # of 12: a bright thing is what the classifier knows
    assert still <= wrong / 2
    found = tv("locate", verified / "photos", *known, verified / "verified.h5")
    assert len(found.out.splitlines()) >= 20  # of 24; one in twenty may be lost
    scores = [json.loads(line)["score"] for line in found.out.splitlines()]
    every = tv("locate", verified / "photos", *known, verified / "verified.h5", "--threshold", 0)
    assert len(every.out.splitlines()) == 24
    assert 0 < min(scores) < max(scores) <= 1


def test_training_says_how_many_photos_are_told_apart(
    tv: Tv, verified: Path, tmp_path: Path
) -> None:
    ran = tv("train-classifier", verified / "v.h5", "-o", tmp_path / "c.h5")
    assert "% of 18 photos with the object are missed" in ran.err
    assert "photos without it get a box" in ran.err
    shown = json.loads(tv("info", tmp_path / "c.h5", "--json").out)
    assert 0 < shown["settings"]["verifier"]["threshold"] < 1
    few = verified / "few.jsonl"
    lines = (verified / "v.jsonl").read_text().splitlines()
    kept = [line for line in lines if "others/10" not in line]  # two others
    few.write_text("".join(line + "\n" for line in kept))
    tv("encode", few, "-o", tmp_path / "few.h5", "--size", SIZE)
    ran = tv("train-classifier", tmp_path / "few.h5", "-o", tmp_path / "few-c.h5")
    assert ran.status == 0 and "photos without it get" not in ran.err
    assert "with it and 5 without it to learn from, and there are 18 and " in ran.err


def test_distractors_teach_what_is_not_the_object_without_any_photo_of_it(
    tv: Tv, verified: Path, tmp_path: Path
) -> None:
    crops, rows, head = (tmp_path / name for name in ("c.jsonl", "c.h5", "head.h5"))
    tv("crops", verified / "boxes.jsonl", "-o", crops, "--per-photo", 2, "--looks", 4)
    tv("encode", crops, "-o", rows)  # at mini's own size, for which they ship
    ran = tv("train-classifier", rows, "-o", head, "--distractors")
    assert ran.status == 0, ran.err
    assert "% of 500 distractors get a box" in ran.err and "photos without it" not in ran.err
    plain = tv("train-classifier", rows, "-o", tmp_path / "plain.h5")
    assert "500 distractors" not in plain.err  # nobody gave a photo without the object
    kept = json.loads(tv("info", head, "--json").out)["settings"]["verifier"]
    assert (kept["others"], kept["distractors"]) == (0, 500)
    assert kept["taken"] < 0.05


def test_distractors_that_do_not_ship_are_bad_input(tv: Tv, verified: Path, tmp_path: Path) -> None:
    rows, head = verified / "v.h5", tmp_path / "head.h5"  # of another size
    ran = tv("train-classifier", rows, "-o", head, "--distractors")
    assert (ran.status, head.exists()) == (3, False)
    assert "v.h5: no distractors ship for its backbone and size" in ran.err


def test_an_editor_marks_photos_without_the_object(tv: Tv, taught: Path, tmp_path: Path) -> None:
    draw(tmp_path / "empty.png", 99, disc=False)
    record = {"image": str(tmp_path / "empty.png"), "width": 192, "height": 160, "empty": True}
    (tmp_path / "boxes.jsonl").write_text(json.dumps(record) + "\n")
    ran = tv("crops", tmp_path / "boxes.jsonl", "-o", tmp_path / "c.jsonl", "--looks", 3)
    assert ran.status == 0, ran.err
    kinds = [record["target"] for record, _ in read_record_file(tmp_path / "c.jsonl")]
    assert kinds == ["background"] * 5 + ["look"] * 3


def test_where_no_photo_is_named_there_is_nothing_to_locate_in(
    tv: Tv, verified: Path, tmp_path: Path
) -> None:
    (tmp_path / "none.jsonl").write_text("")
    (tmp_path / "folder").mkdir()
    heads = ("--classifier", verified / "verified.h5", "--boxes", verified / "boxes.h5")
    for name in ("none.jsonl", "folder"):
        ran = tv("locate", tmp_path / name, *heads)
        assert (ran.status, ran.out) == (3, "")
        assert "no photos found" in ran.err


def test_a_damaged_verifier_is_bad_input(tv: Tv, verified: Path, tmp_path: Path) -> None:
    import h5py

    head = tmp_path / "damaged.h5"
    head.write_bytes((verified / "verified.h5").read_bytes())
    with h5py.File(head, "r+") as file:
        file["state/verifier.kernel"][...] = np.nan
    ran = tv("locate", verified / "further", "--classifier", head, "--boxes", verified / "boxes.h5")
    assert (ran.status, "damaged; train it again" in ran.err) == (3, True)


@pytest.fixture(scope="session")
def named(taught: Path) -> Path:
    """Give the folder with a classifier `named.h5` that learned discs and squares apart."""
    from tvcli.cli import run

    (taught / "mixed").mkdir()
    records = [record for record, _ in read_record_file(taught / "boxes.jsonl")]
    for number in range(1, 48, 2):  # squares
        draw_other(taught / "mixed" / f"{number}.png", number)
        box = draw(taught / "mixed" / "scratch.png", number, disc=False)
        about = {"image": f"mixed/{number}.png", "width": 192, "height": 160, "box": box}
        records.append(about | {"label": "square", "split": "test" if number % 8 == 1 else "train"})
    (taught / "mixed" / "scratch.png").unlink()
    (taught / "labels.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    crops, rows = taught / "n.jsonl", taught / "n.h5"
    for command in (
        ["crops", taught / "labels.jsonl", "-o", crops, "--per-photo", 2, "--looks", 4],
        ["encode", crops, "-o", rows, "--size", SIZE],
        ["train-classifier", rows, "-o", taught / "named.h5"],
        ["train-boxes", rows, "-o", taught / "named-boxes.h5"],
    ):
        assert run([str(word) for word in command]) == 0
    return taught


def test_every_box_has_its_label_through_the_whole_chain(
    tv: Tv, named: Path, tmp_path: Path
) -> None:
    both = ("--classifier", named / "named.h5", "--boxes", named / "named-boxes.h5")
    folders = named / "photos", named / "mixed"
    located = tmp_path / "located.jsonl"
    assert tv("locate", *folders, *both, "-o", located).status == 0
    records = [record for record, _ in read_record_file(located)]
    wanted = {"photos": "disc", "mixed": "square"}
    right = [wanted[Path(r["image"]).parent.name] == r["label"] for r in records]
    assert len(records) >= 40 and sum(right) >= 0.9 * len(right)
    assert all(0.5 <= record["label_score"] <= 1 for record in records)
    measures = json.loads(tv("eval", "boxes", located, named / "labels.jsonl").out)
    assert set(measures["labels"]) == {"disc", "square"}
    assert measures["ap_50"] > 0.8
    tv("crops", located, "--to", "coco", "-o", tmp_path / "coco.json")
    categories = json.loads((tmp_path / "coco.json").read_text())["categories"]
    assert [category["name"] for category in categories] == ["disc", "square"]
    index = tmp_path / "o.tvx"
    assert tv("index", *folders, *both, "-o", index, "--size", 64).status == 0
    query = named / "photos" / "03.png"
    ran = tv("search", query, "-i", index, "-k", 60, "--where", "label=square")
    hits = [json.loads(line) for line in ran.out.splitlines()]
    assert 18 <= len(hits) <= 30 and {hit["label"] for hit in hits} == {"square"}


def test_labels_have_thresholds_of_their_own(tv: Tv, named: Path, tmp_path: Path) -> None:
    folders = named / "photos", named / "mixed"
    both = ("--classifier", named / "named.h5", "--boxes", named / "named-boxes.h5")

    def scores(*options: object) -> dict[str, list[float]]:
        ran = tv("locate", *folders, *both, *options)
        assert ran.status == 0
        found: dict[str, list[float]] = {"disc": [], "square": []}
        for record in map(json.loads, ran.out.splitlines()):
            found[record["label"]].append(record["score"])
        return {label: sorted(own) for label, own in found.items()}

    every = scores("--threshold", 0)
    gaps = np.diff(every["square"])
    before = int(gaps.argmax())  # the widest gap, so that rounded scores lie on the right side
    between = every["square"][before] + gaps[before] / 2
    few = scores("--threshold", 0, "--threshold", f"square={between}")
    assert few == {"disc": every["disc"], "square": every["square"][before + 1 :]}
    own = scores("--threshold", 1, "--threshold", "square=0")
    assert own["disc"] == [] and len(own["square"]) == len(every["square"])
    ran = tv("locate", *folders, *both, "--threshold", "cow=0.5")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith("not a label of these heads: they learned disc, square\n")


def test_thresholds_are_set_in_a_projects_file_as_numbers_and_by_label(
    tv: Tv, named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = ("--classifier", named / "named.h5", "--boxes", named / "named-boxes.h5")
    monkeypatch.chdir(tmp_path)
    for value, boxes in (("0", 24), ("1", 0), ('["disc=0", 1]', 24), ('["disc=1", 0]', 0)):
        (tmp_path / "tv.toml").write_text(f"[locate]\nthreshold = {value}\n")
        ran = tv("locate", named / "photos", *both)
        assert (ran.status, len(ran.out.splitlines())) == (0, boxes), value
    (tmp_path / "tv.toml").write_text("[locate]\nthreshold = true\n")
    ran = tv("locate", named / "photos", *both)
    assert (ran.status, "threshold: text is wanted, not True" in ran.err) == (3, True)


def test_a_set_with_one_label_has_no_labels_to_learn(tv: Tv, taught: Path) -> None:
    settings = json.loads(tv("info", taught / "classifier.h5", "--json").out)["settings"]
    assert "naming" not in settings and "verifier" not in settings
    record = json.loads(tv("locate", taught / "photos/03.png", *heads(taught)).out)
    assert record["label"] == "disc" and "label_score" not in record
