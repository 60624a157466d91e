"""`tv label`: the labels that neighbours vote for, as records, tables and sidecars."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran
from PIL import Image

from tvcli.core.files.parquet import read_parquet

Tv = Callable[..., Ran]
COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 40, 200)}


def shade(colour: tuple[int, int, int], seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(-30, 30, (4, 4, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize((64, 48))


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder: `known/` (six photos of each of three colours), `new/`, and `index.tvx`."""
    from tvcli.cli import run

    folder = tmp_path_factory.mktemp("labels")
    for place, (name, colour) in enumerate(COLOURS.items()):
        (folder / "known" / name).mkdir(parents=True)
        for seed in range(6):
            shade(colour, 10 * place + seed).save(folder / "known" / name / f"{seed}.png")
    (folder / "new").mkdir()
    for place, (name, colour) in enumerate(COLOURS.items()):
        shade(colour, 100 + place).save(folder / "new" / f"{name}.png")
    checks = (np.indices((48, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(checks).save(folder / "new" / "zz.png")
    assert run(["index", str(folder / "known"), "-o", str(folder / "index.tvx"), "-q"]) == 0
    return folder


@pytest.fixture
def here(collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in a copy of the collection's new photos, beside its index."""
    shutil.copytree(collection / "new", tmp_path / "new")
    (tmp_path / "index.tvx").symlink_to(collection / "index.tvx")
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def records(ran: Ran) -> dict[str, dict[str, Any]]:
    assert ran.status == 0, ran.err
    found = map(json.loads, ran.out.splitlines())
    return {Path(record["image"]).stem: record for record in found}


def test_neighbours_vote_and_what_is_like_none_of_them_gets_no_label(here: Path, tv: Tv) -> None:
    ran = tv("label", "new", "-i", "index.tvx", "--others", 0.3)
    found = records(ran)
    for name in COLOURS:
        assert found[name]["label"] == name
        assert found[name]["image"] == f"new/{name}.png"
        assert found[name]["probability"] > 0.5 > found["zz"]["probability"]
        assert f"known/{name}/" in found[name]["nearest"]
    assert found["zz"]["label"] is None and found["zz"]["candidate"] in COLOURS
    assert "3 labelled, 1 without a label" in ran.err
    assert "fewer than 50 tell little" in ran.err
    strict = records(tv("label", "new", "-i", "index.tvx", "--min-probability", 1))
    assert {record["label"] for record in strict.values()} == {None}


def test_an_index_of_one_label_is_told_to_say_nothing(collection: Path, here: Path, tv: Tv) -> None:
    Path("flat").mkdir()
    for path in (collection / "known").rglob("*.png"):
        shutil.copy(path, f"flat/{path.parent.name}-{path.name}")
    assert tv("index", "flat", "-o", "flat.tvx").status == 0
    said = "flat.tvx: all photos that have a label have the same one, 'flat' (the name of their "
    assert said in tv("label", "new", "-i", "flat.tvx").err
    lines = [{"image": str(path), "label": "thing"} for path in Path("flat").iterdir()]
    Path("labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = tv("label", "new", "-i", "flat.tvx", "--labels", "labels.jsonl")
    assert "the same one, 'thing', so that other photos get it too" in ran.err
    assert "the same one" not in tv("label", "new", "-i", "index.tvx").err


def test_labels_are_what_the_other_commands_take(here: Path, tv: Tv) -> None:
    assert tv("label", "new", "-i", "index.tvx", "-o", "labels.jsonl").status == 0
    assert tv("index", "labels.jsonl", "-o", "new.tvx").status == 0
    hits = tv("search", "new/red.png", "-i", "new.tvx", "--where", "label=red")
    assert [json.loads(line)["image"] for line in hits.out.splitlines()] == ["new/red.png"]
    table = tv("label", "new", "-i", "index.tvx", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [row["label"] for row in rows][:3] == ["blue", "green", "red"]
    assert tv("label", "new", "-i", "index.tvx", "-o", "labels.jsonl").status == 0  # its own file


def test_a_table_has_columns_for_what_there_is(here: Path, tv: Tv) -> None:
    def columns(*options: object) -> list[str]:
        return (
            tv("label", *options, "-i", "index.tvx", "--format", "table")
            .out.splitlines()[0]
            .split()
        )

    assert columns("new/red.png") == ["image", "label", "probability"]
    box = json.dumps({"image": "new/red.png", "box": [0, 0, 40, 40]})
    Path("box.jsonl").write_text(f"{box}\n")
    assert columns("box.jsonl") == ["image", "box", "label", "probability"]
    unsure = columns("new/red.png", "--min-probability", 1)
    assert unsure == ["image", "label", "probability", "candidate"]


def test_labels_are_a_table_of_parquet(here: Path, tv: Tv) -> None:
    pytest.importorskip("pyarrow", reason="extra parquet")
    assert tv("label", "new", "-i", "index.tvx", "-o", "labels.parquet").status == 0
    found = [record["label"] for record in read_parquet(Path("labels.parquet"))]
    assert found[:3] == ["blue", "green", "red"]


def test_each_box_gets_a_label_and_records_keep_their_fields(here: Path, tv: Tv) -> None:
    both = Image.new("RGB", (128, 48))
    both.paste(shade(COLOURS["red"], 200), (0, 0))
    both.paste(shade(COLOURS["blue"], 201), (64, 0))
    both.save("new/both.png")
    lines = [
        {"image": "new/both.png", "box": [0, 0, 64, 48], "score": 0.9, "price": 3},
        {"image": "new/both.png", "box": [64, 0, 128, 48], "score": 0.8},
    ]
    Path("boxes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = tv("label", "boxes.jsonl", "-i", "index.tvx", "--xmp", "-o", "labels.jsonl")
    assert ran.status == 0, ran.err
    found = [json.loads(line) for line in Path("labels.jsonl").read_text().splitlines()]
    assert [(r["label"], r["box"]) for r in found] == [
        ("red", [0, 0, 64, 48]),
        ("blue", [64, 0, 128, 48]),
    ]
    assert found[0]["price"] == 3
    sidecar = Path("new/both.png.xmp").read_text()
    assert sidecar.count("<rdf:li>red</rdf:li>") == sidecar.count("<rdf:li>blue</rdf:li>") == 1


def test_sidecars_of_others_are_kept_and_photos_elsewhere_get_none(here: Path, tv: Tv) -> None:
    Path("new/red.png.xmp").write_text("mine")
    ran = tv("label", "new", "-i", "index.tvx", "--xmp", "--others", 0.3, "--errors", "e.jsonl")
    assert ran.status == 0
    assert sorted(path.name for path in Path("new").glob("*.xmp")) == [
        "blue.png.xmp",
        "green.png.xmp",
        "red.png.xmp",
    ]
    assert Path("new/red.png.xmp").read_text() == "mine"
    error = json.loads(Path("e.jsonl").read_text())
    assert error["stage"] == "xmp" and "not XMP" in error["reason"]
    (here / "sub").mkdir()
    Path("sub/list.jsonl").write_text(json.dumps({"image": "../new/blue.png"}) + "\n")
    Path("new/blue.png.xmp").unlink()
    ran = tv("label", "sub/list.jsonl", "-i", "index.tvx", "--xmp")
    assert "name its folder with --allow" in ran.err and not Path("new/blue.png.xmp").exists()
    assert tv("label", "sub/list.jsonl", "-i", "index.tvx", "--xmp", "--allow", "new").status == 0
    assert Path("new/blue.png.xmp").exists()


def test_a_photo_of_the_index_is_labelled_by_the_others(collection: Path, tv: Tv) -> None:
    photo, index = collection / "known" / "red" / "0.png", collection / "index.tvx"
    (found,) = records(tv("label", photo, "-i", index)).values()
    assert found["label"] == "red" and not found["nearest"].endswith("known/red/0.png")


def test_labels_of_a_file_and_photos_to_fit_on(here: Path, collection: Path, tv: Tv) -> None:
    lines = [
        {"image": str(path), "label": "warm" if path.parent.name == "red" else "cold"}
        for path in sorted((collection / "known").rglob("*.png"))
    ]
    lines += [{"image": str(here / "new" / "red.png"), "label": "warm"}]
    Path("labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = ("-i", "index.tvx", "--labels", "labels.jsonl")
    assert records(tv("label", "new/blue.png", *options))["blue"]["label"] == "cold"
    ran = tv("label", "new/blue.png", *options, "--fit-on", "new")
    assert ran.status == 2 and "at least 8" in ran.err
    ran = tv("label", "new/blue.png", *options, "--fit-on", str(collection / "known"))
    assert ran.status == 0 and "fitted to 18 photos" in ran.err


def test_shards_merge_to_what_one_run_gives(here: Path, tv: Tv) -> None:
    whole = tv("label", "new", "-i", "index.tvx").out
    for shard in ("1/2", "2/2"):
        name = f"part-{shard[0]}.jsonl"
        assert tv("label", "new", "-i", "index.tvx", "--shard", shard, "-o", name).status == 0
    assert tv("merge", "part-1.jsonl", "part-2.jsonl", "-o", "all.jsonl").status == 0
    assert Path("all.jsonl").read_text() == whole


def test_a_folder_without_photos_is_told_before_anything_is_fitted(here: Path, tv: Tv) -> None:
    Path("empty").mkdir()
    ran = tv("label", "empty", "-i", "index.tvx")
    assert (ran.status, ran.err.count("\n")) == (3, 1) and "no photos found in empty" in ran.err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("new/none.png", "-i", "index.tvx"), 3, "none.png: not found"),
        (("new", "-i", "none.tvx"), 3, "no such index"),
        (("new", "-i", "index.tvx", "--labels", "index"), 3, "keeps no labels"),
        (("new", "-i", "index.tvx", "--labels", "none.jsonl"), 3, "none.jsonl"),
        (("new", "-i", "index.tvx", "--others", 1), 2, "--others"),
        (("new", "-i", "index.tvx", "--shard", "1/2", "--format", "csv"), 2, "--shard"),
        (("new", "-i", "index.tvx", "-o", "new/red.png"), 2, "was not written by such a command"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    arguments: tuple[Any, ...], status: int, said: str, here: Path, tv: Tv
) -> None:
    ran = tv("label", *arguments, "-q")
    assert ran.status == status and said in ran.err.splitlines()[-1]
