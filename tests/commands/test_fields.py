"""Fields through the commands: kept, filtered by, shown, edited, and kept by updates."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, picture
from PIL import Image

from tvcli.core.ranking.calibration import Calibration
from tvcli.core.searching.eval_search import keep_calibration

Tv = Callable[..., Ran]
ENGINES = ["exact", "annoy", "faiss"]


@pytest.fixture
def records(photos: Path) -> Path:
    names = [f"photos/{n}.png" if n < 5 else f"photos/inner/{n}.png" for n in range(8)]
    lines = [
        {
            "image": name,
            "label": ("dress", "skirt", "shoe")[number % 3],
            "price": number * 10 + 0.5,
            "sku": f"A/{number}",
            "sold": number % 2 == 0,
            "taken": f"2024-0{number + 1}-03",
        }
        for number, name in enumerate(names)
    ]
    path = photos.parent / "records.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def hits(tv: Tv, index: Path, *options: object) -> list[dict[str, Any]]:
    ran = tv(
        "search", index.parent / "photos" / "0.png", "-i", index, "--format", "jsonl", *options
    )
    assert ran.status in (0, 1), ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def numbers(found: list[dict[str, Any]]) -> set[int]:
    return {int(Path(hit["image"]).stem) for hit in found}


@pytest.mark.parametrize("engine", ENGINES)
def test_in_stock_and_under_fifty(engine: str, records: Path, tv: Tv) -> None:
    if engine == "faiss":
        pytest.importorskip("faiss", reason="extra faiss")
    index = records.with_name("a.tvx")
    ran = tv("index", records, "-o", index, "--engine", engine)
    assert ran.status == 0, ran.err
    text = "price<50 and label in (dress, skirt) and not sold=true"
    assert numbers(hits(tv, index, "--where", text)) == {1, 3}
    assert numbers(hits(tv, index, "--where", "taken>=2024-06")) == {5, 6, 7}
    assert numbers(hits(tv, index, "--where", "price<30 or sku='A/7'")) == {0, 1, 2, 7}
    assert numbers(hits(tv, index, "--where", "price<50", "--where", "label!=shoe")) == {0, 1, 3, 4}
    assert hits(tv, index, "--where", "price<0") == []
    first = hits(tv, index, "-k", 1)[0]
    assert {name: first[name] for name in ("price", "sku", "sold", "taken")} == {
        "price": 0.5,
        "sku": "A/0",
        "sold": True,
        "taken": "2024-01-03",
    }


def test_a_field_that_there_is_not_is_told_with_those_there_are(records: Path, tv: Tv) -> None:
    index = records.with_name("a.tvx")
    assert tv("index", records, "-o", index).status == 0
    ran = tv("search", index.parent / "photos" / "0.png", "-i", index, "--where", "not prize<5")
    assert ran.status == 2
    assert "no column prize" in ran.err
    assert "price, sku, sold, taken" in ran.err
    nothing = tv("search", index.parent / "photos" / "0.png", "-i", index, "--where", "price>999")
    assert nothing.status == 1
    assert "price is, for example, 0.5" in nothing.err


def test_fields_go_through_encodings_shards_and_merges(records: Path, tv: Tv) -> None:
    parts = [records.with_name(f"{number}.h5") for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        ran = tv("encode", records, "-o", part, "--shard", f"{number}/2", "--pool", "auto")
        assert ran.status == 0, ran.err
    merged, index = records.with_name("all.h5"), records.with_name("a.tvx")
    assert tv("merge", *parts, "-o", merged).status == 0
    assert tv("index", merged, "-o", index).status == 0
    assert {hit["sku"] for hit in hits(tv, index)} == {f"A/{n}" for n in range(8)}
    again = [json.loads(line) | {"price": 1} for line in records.read_text().splitlines()]
    records.write_text("".join(json.dumps(line) + "\n" for line in again))
    ran = tv("encode", records, "-o", merged, "--update")
    assert "0 added, 8 changed" in ran.err
    ran = tv("index", merged, "-o", index, "--update")
    assert "0 added, 8 changed" in ran.err
    assert {hit["price"] for hit in hits(tv, index)} == {1}


@pytest.mark.annoy
def test_a_table_edits_fields_in_place(records: Path, tv: Tv) -> None:
    index = records.with_name("a.tvx")
    assert tv("index", records, "-o", index, "--engine", "annoy").status == 0
    vectors = {path.name: path.read_bytes() for path in index.iterdir() if "json" not in path.name}
    table = records.with_name("prices.csv")
    table.write_text("image,price,stock\nphotos/3.png,1,yes\nphotos/4.png,,\nnone.png,3,4\n")
    ran = tv("index", "--fields", table, "-o", index)
    assert ran.status == 0
    assert "fields of 2 photos changed" in ran.err
    assert "none.png: not in" in ran.err
    assert {name: (index / name).read_bytes() for name in vectors} == vectors
    by_number = {int(Path(hit["image"]).stem): hit for hit in hits(tv, index)}
    assert (by_number[3]["price"], by_number[3]["stock"], by_number[3]["sku"]) == (1, "yes", "A/3")
    assert "price" not in by_number[4]
    assert by_number[5]["price"] == 50.5
    assert numbers(hits(tv, index, "--where", "price<20")) == {0, 1, 3}
    lines = records.with_name("more.jsonl")
    lines.write_text('{"image": "photos/3.png", "price": 2}\n')
    assert tv("index", "--fields", lines, "-o", index).status == 0
    assert numbers(hits(tv, index, "--where", "price=2")) == {3}
    assert len(list(index.glob("fields-*.h5"))) == 1


def test_an_update_sets_the_fields_it_names_and_keeps_the_others(records: Path, tv: Tv) -> None:
    index, photos = records.with_name("a.tvx"), records.with_name("photos")
    assert tv("index", photos, "-o", index).status == 0
    assert tv("index", "--fields", records, "-o", index).status == 0
    picture(3).save(photos / "new.png")  # of the content of another, whose fields it has not
    picture(50).save(photos / "0.png")  # changed, and keeps its own
    shutil.move(photos / "1.png", photos / "moved.png")
    ran = tv("index", photos, "-o", index, "--update")
    assert "1 added, 1 changed, 1 moved" in ran.err
    known = {Path(hit["image"]).stem: hit for hit in hits(tv, index, "-k", 20)}
    assert known["0"]["sku"] == "A/0"
    assert known["moved"]["sku"] == "A/1"
    assert "sku" not in known["new"]
    assert known["3"]["sku"] == "A/3"
    again = tv("index", photos, "-o", index, "--update")
    assert "0 added, 0 changed, 0 moved, 0 removed" in again.err


def test_an_index_over_another_tells_what_is_gone(records: Path, tv: Tv) -> None:
    index, photos = records.parent / "x.tvx", records.parent / "photos"
    assert tv("index", records, "-o", index, "--size", 64, "--keypoints").status == 0
    keep_calibration(index, Calibration(np.array([0.1, 0.9]), np.array([0.0, 1.0])))
    assert "lacks" not in tv("index", records, "-o", index, "--update").err
    ran = tv("index", photos, "-o", index, "--size", 64)
    assert ran.status == 0 and ran.err.count("\n") == 2
    warning = ran.err.splitlines()[-1]
    assert warning.startswith(f"warning: {index} was made anew and lacks what it had before: ")
    for told in (
        "key points (--keypoints)",
        "a calibration (tv eval search --calibrate)",
        "the field price, the field sku, the field sold, the field taken (--fields FILE)",
        "labels (records that have them)",
    ):
        assert told in warning
    assert "lacks" not in tv("index", photos, "-o", index, "--size", 64).err


def test_of_fields_that_are_set_again_nothing_is_told(photos: Path, tv: Tv) -> None:
    table, index = photos.parent / "prices.csv", photos.parent / "x.tvx"
    table.write_text("image,price\nphotos/0.png,3\n")
    for _ in range(2):
        ran = tv("index", photos, "-o", index, "--size", 64, "--fields", table)
        assert ran.status == 0 and "warning" not in ran.err


def test_an_update_from_records_edits_without_encoding(records: Path, tv: Tv) -> None:
    index = records.with_name("a.tvx")
    assert tv("index", records, "-o", index).status == 0
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    lines[2] |= {"price": 7, "sku": None}
    records.write_text("".join(json.dumps(line) + "\n" for line in lines))
    plan = tv("index", records, "-o", index, "--update", "--dry-run")
    assert json.loads(plan.out) == {
        "change": "changed",
        "image": str(records.parent / "photos" / "2.png"),
    }
    ran = tv("index", records, "-o", index, "--update")
    assert "0 added, 1 changed, 0 moved, 0 removed" in ran.err
    assert not (index / "embeddings-2.h5").exists()
    known = {int(Path(hit["image"]).stem): hit for hit in hits(tv, index)}
    assert known[2]["price"] == 7
    assert "sku" not in known[2]
    assert known[3]["sku"] == "A/3"


def test_exif_is_read_when_asked(tmp_path: Path, tv: Tv) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()

    def taken(number: int, day: str) -> None:
        exif = Image.Exif()
        exif[0x0110] = "Pixel 8"
        exif.get_ifd(0x8769)[0x9003] = f"2024:06:{day} 10:00:00"
        picture(number).save(folder / f"{number}.jpg", exif=exif)

    for number in range(3):
        taken(number, f"1{number}")
    (folder / "0.png").write_bytes((folder / "0.jpg").read_bytes())
    plain, index = tmp_path / "plain.tvx", tmp_path / "a.tvx"
    assert tv("index", folder, "-o", plain).status == 0
    assert tv("index", folder, "-o", index, "--exif").status == 0

    def found(index: Path, condition: str) -> set[str]:
        ran = tv("search", folder / "0.jpg", "-i", index, "--where", condition, "-k", 20)
        return {Path(json.loads(line)["image"]).name for line in ran.out.splitlines()}

    assert found(index, "taken>=2024-06-11 and camera='Pixel 8'") == {"1.jpg", "2.jpg"}
    taken(7, "29")
    assert tv("index", folder, "-o", index, "--update").status == 0
    assert found(index, "taken>=2024-06-12") == {"2.jpg", "7.jpg"}
    assert "1 added, 4 changed" in tv("index", folder, "-o", plain, "--update", "--exif").err
    assert found(plain, "taken>=2024-06-12") == {"2.jpg", "7.jpg"}
    taken(8, "30")
    assert "1 added, 0 changed" in tv("index", folder, "-o", plain, "--update").err
    assert found(plain, "taken>=2024-06-29") == {"7.jpg", "8.jpg"}


def test_hits_show_fields_in_every_format(records: Path, tv: Tv) -> None:
    index = records.with_name("a.tvx")
    assert tv("index", records, "-o", index).status == 0
    query = index.parent / "photos" / "0.png"
    out = {
        format: tv("search", query, "-i", index, "--format", format, "-k", 2).out
        for format in ("table", "tsv", "html")
    }
    assert out["tsv"].splitlines()[0].split("\t")[5:] == [
        "price=0.5",
        "sku=A/0",
        "sold=true",
        "taken=2024-01-03",
    ]
    assert "price" in out["table"] and "0.5" in out["table"]
    assert '<span class="field">price 0.5</span>' in out["html"]


def test_fields_alone_and_beside_photos(records: Path, tv: Tv) -> None:
    index, photos = records.with_name("a.tvx"), records.with_name("photos")
    assert tv("index", photos, "-o", index, "--fields", records).status == 0
    assert numbers(hits(tv, index, "--where", "price<20")) == {0, 1}
    assert tv("index", "--fields", records, "-o", index, "--update").status == 2
    assert tv("index", "-o", index).status == 2
    assert tv("index", "--fields", records.with_name("none.csv"), "-o", index).status == 3
    assert tv("index", "--fields", records, "-o", records.with_name("none.tvx")).status == 3


def test_tv_info_names_the_fields_of_an_index(records: Path, tv: Tv) -> None:
    index = records.parent / "x.tvx"
    assert tv("index", records, "-o", index, "--size", 64, "-q").status == 0
    ran = tv("info", index)
    assert ran.status == 0, ran.err
    assert "price" in next(line for line in ran.out.splitlines() if line.split()[:1] == ["fields"])
