import io
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, picture
from pages import HOSTILE, client_of, started
from PIL import Image
from starlette.testclient import TestClient

from tvcli.core.ranking.clicks import read_clicks
from tvcli.serve import turns
from tvcli.serve.pages import open_gallery

Tv = Callable[..., Ran]
FIELDS = ("rank", "image", "similarity", "box", "label", "missing")


def png(seed: int, width: int = 240, height: int = 200) -> bytes:
    buffer = io.BytesIO()
    picture(seed, width, height).save(buffer, "PNG")
    return buffer.getvalue()


def searched(client: TestClient, **wanted: Any) -> list[dict[str, Any]]:
    answer = client.post("/api/search", json=wanted)
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


def told(hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: hit[name] for name in FIELDS if name in hit} for hit in hits]


def test_pages_of_items(gallery: TestClient) -> None:
    found = gallery.get("/api/items", params={"offset": 2, "limit": 3}).json()
    assert found["total"] == 9
    assert [item["name"] for item in found["items"]] == ["2.png", "3.png", "4.png"]
    assert gallery.get("/api/items", params={"text": "INNER"}).json()["total"] == 2
    assert gallery.get("/api/items", params={"offset": 99}).json()["items"] == []
    hostile = gallery.get("/api/items", params={"text": "onerror"}).json()["items"][0]
    assert (hostile["name"], hostile["key"]) == (HOSTILE, HOSTILE)
    for query in ({"limit": 0}, {"limit": 10**6}, {"offset": -1}, {"offset": "x"}, {"index": 1}):
        answer = gallery.get("/api/items", params=query)
        assert answer.status_code == 400, query
        assert answer.json()["error"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["photos/3.png"], {"upload": True}),
        (["photos/3.png", "--box", "20,20,160,150"], {"upload": True, "box": [20, 20, 160, 150]}),
        (["photos/3.png", "--box", "20,20,160,150"], {"item": "3.png", "box": [20, 20, 160, 150]}),
        (["--item", "3.png", "-k", 4], {"item": "3.png", "k": 4}),
        (["--item", "3.png", "--min-score", 0.9], {"item": "photos/3.png", "min_score": 0.9}),
        (
            ["--like", "photos/1.png", "--like", "photos/4.png", "--unlike", "photos/2.png"],
            {"like": ["1.png", "4.png"], "unlike": ["2.png"]},
        ),
        (
            ["--like", "photos/1.png:4", "--like", "photos/4.png", "--unlike", "photos/2.png:.5"],
            {
                "like": ["1.png", "4.png"],
                "unlike": ["2.png"],
                "weights": {"1.png": 4, "2.png": 0.5},
            },
        ),
        (
            ["photos/3.png", "--like", "photos/1.png", "--unlike", "photos/2.png"],
            {"upload": True, "like": ["1.png"], "unlike": ["2.png"]},
        ),
    ],
)
def test_the_same_hits_as_tv_search(
    gallery: TestClient, tv: Tv, arguments: list[Any], wanted: dict[str, Any]
) -> None:
    if wanted.pop("upload", False):
        kept = gallery.post("/api/files", content=Path("photos/3.png").read_bytes()).json()
        wanted["file"] = kept["file"]
    ran = tv("search", *arguments, "-i", "photos.tvx", "--format", "jsonl")
    assert ran.status == 0, ran.err
    lines = [json.loads(line) for line in ran.out.splitlines()]
    # The last digit that is printed may be rounded either way: sums have another order.
    found = [pytest.approx(hit, abs=1.5e-6) for hit in told(searched(gallery, **wanted))]
    assert told(lines) == found


def test_a_photo_as_the_body(gallery: TestClient) -> None:
    answer = gallery.post(
        "/api/search?k=2&unlike=5.png", content=png(4), headers={"content-type": "image/png"}
    )
    assert answer.json()["hits"][0]["name"] == "4.png"
    assert len(answer.json()["hits"]) == 2


def test_searches_that_cannot_be(gallery: TestClient) -> None:
    kept = gallery.post("/api/files", content=png(3)).json()["file"]
    for wanted, status in (
        ({}, 400),
        ({"unlike": ["0.png"]}, 400),
        ({"item": "none.png"}, 404),
        ({"file": "none"}, 404),
        ({"file": kept, "box": [1, 2, 3]}, 400),
        ({"file": kept, "box": [900, 900, 990, 990]}, 422),
        ({"item": "0.png", "k": 0}, 400),
        ({"item": "0.png", "k": "many"}, 400),
        ({"item": "0.png", "like": "1.png"}, 400),
        ({"item": "0.png", "like": ["1.png"], "weights": {"1.png": 0}}, 400),
        ({"item": "0.png", "like": ["1.png"], "weights": ["1.png"]}, 400),
        ({"item": "0.png", "min_score": "x"}, 400),
        ({"item": "0.png", "index": 7}, 400),
    ):
        answer = gallery.post("/api/search", json=wanted)
        assert answer.status_code == status, (wanted, answer.text)
        assert answer.json()["error"]
    assert gallery.post("/api/search", content=b"[1]").status_code == 400
    assert gallery.get("/api/search").status_code == 405
    assert gallery.post("/api/files", content=b"no picture").status_code == 422
    assert gallery.post("/api/files", content=png(1)[:200]).status_code in (200, 422)


def test_pictures_too_large_are_refused(
    gallery: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_PIXELS", 1000)
    answer = gallery.post("/api/files", content=png(3))
    assert (answer.status_code, "pixels" in answer.json()["error"]) == (422, True)
    assert gallery.get("/pictures/1").status_code == 422


def test_pictures(gallery: TestClient, collection: Path) -> None:
    first = gallery.get("/pictures/1")
    assert Image.open(io.BytesIO(first.content)).size == (240, 200)
    assert first.headers["content-type"] == "image/jpeg"
    again = gallery.get("/pictures/1", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    picture(50, 100, 80).save("photos/1.png")  # another picture of the same name
    changed = gallery.get("/pictures/1", headers={"if-none-match": first.headers["etag"]})
    assert Image.open(io.BytesIO(changed.content)).size == (100, 80)
    Path("photos/1.png").unlink()
    assert gallery.get("/pictures/1").status_code == 422
    assert gallery.get("/pictures/1", params={"size": "huge"}).status_code == 400
    kept = gallery.post("/api/files", content=png(3)).json()
    assert (kept["width"], kept["height"]) == (240, 200)
    assert gallery.get(f"/api/files/{kept['file']}/picture").status_code == 200


def test_clicks_are_read_by_tv_triplets(gallery: TestClient, collection: Path) -> None:
    said = {"item": "0.png", "like": ["1.png", "2.png"], "unlike": ["3.png"]}
    assert gallery.post("/api/clicks", json=said).json()["added"] == 3
    assert gallery.post("/api/clicks", json=said).json() == {
        "added": 0,
        "total": 3,
        "file": "photos.clicks.jsonl",
    }
    triplets, _ = read_clicks(collection / "photos.clicks.jsonl", 16)
    names = [[os.path.basename(i.image) for i in t.items] for t in triplets]  # noqa: PTH119
    assert names == [["0.png", "1.png", "3.png"], ["0.png", "2.png", "3.png"]]
    for wanted in ({}, {"item": "0.png"}, {"like": ["1.png"]}):
        assert gallery.post("/api/clicks", json=wanted).status_code == 400
    with Path("photos.clicks.jsonl").open("a") as file:
        file.write('{"query": "photos/1.png", "image": "photos/2.png", "relevant": true}\n')
    assert gallery.post("/api/clicks", json=said | {"like": ["4.png"]}).status_code == 409


def test_names_that_are_not_utf8(tv: Tv, collection: Path) -> None:
    shutil.copy(b"photos/3.png", b"photos/\xff\xfe.png")
    assert tv("index", "photos", "-o", "odd.tvx", "--size", 64).status == 0
    with open_gallery([Path("odd.tvx")], None) as app, client_of(app) as client:
        items = client.get("/api/items").json()["items"]
        odd = next(item for item in items if item["key"].startswith("#"))
        assert searched(client, item=odd["key"])[0]["similarity"] > 0.99
        assert client.get(f"/pictures/{odd['row']}").status_code == 200


def test_names_go_without_the_folder_that_all_have(tv: Tv, collection: Path) -> None:
    photos = "photos/inner/6.png", "photos/inner/7.png", "photos/3.png"
    records = "".join(f'{{"image": "{name}"}}\n' for name in photos)
    (collection / "some.jsonl").write_text(records)
    tv("index", "some.jsonl", "-o", "some.tvx", "--size", "64", "-q")
    with open_gallery([Path("some.tvx")], None) as app, client_of(app) as client:
        items = client.get("/api/items").json()["items"]
    assert [item["name"] for item in items] == ["inner/6.png", "inner/7.png", "3.png"]
    assert [Path(item["image"]).name for item in items] == ["6.png", "7.png", "3.png"]


def test_two_indexes(tv: Tv, collection: Path) -> None:
    Path("few").mkdir()
    tv("index", "photos/inner", "-o", "few.tvx", "--size", 64)
    paths = [Path("photos.tvx"), Path("few.tvx")]
    with open_gallery(paths, None) as app, client_of(app) as client:
        assert [i["name"] for i in client.get("/api/about").json()["indexes"]] == [
            "photos.tvx",
            "few.tvx",
        ]
        hits = searched(client, item="inner/6.png", index=1, like=["inner/7.png", "0.png"])
        assert {hit["key"] for hit in hits} == {"inner/6.png", "inner/7.png"}
        by_file = searched(client, item="0.png", index=1)
        assert len(by_file) == 2
        assert client.get("/pictures/0?index=1").status_code == 200


def test_why_a_hit_is_one(gallery: TestClient) -> None:
    """The picture is that of `tv search --explain`, of a row, a region of it or a file."""
    kept = gallery.post("/api/files", content=Path("photos/3.png").read_bytes()).json()
    wide, narrow = {"item": "3.png"}, {"item": "3.png", "box": [0, 0, 50, 200]}
    drawn = {}
    for name, wanted in {"row": wide, "box": narrow, "file": {"file": kept["file"]}}.items():
        answer = gallery.post("/api/explain", json=wanted | {"row": 5})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/png"
        drawn[name] = Image.open(io.BytesIO(answer.content))
    assert drawn["row"].width == 3 * 8 + 2 * 320
    assert drawn["box"].width == 3 * 8 + 320 * 50 // 200 + 320
    assert np.array_equal(np.asarray(drawn["row"]), np.asarray(drawn["file"]))
    other = gallery.post("/api/explain", json=wide | {"row": 2}).content
    assert not np.array_equal(np.asarray(Image.open(io.BytesIO(other))), np.asarray(drawn["row"]))


def test_why_is_refused_with_a_reason(gallery: TestClient) -> None:
    for wanted, status, said in [
        ({"like": ["3.png"], "row": 1}, 400, "has no photo of its own"),
        ({"item": "3.png"}, 400, "row must be a whole number"),
        ({"item": "3.png", "row": 9}, 400, "row must be 0 to 8"),
        ({"item": "gone.png", "row": 1}, 404, "not in photos.tvx"),
    ]:
        answer = gallery.post("/api/explain", json=wanted)
        assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
    Path("photos/5.png").unlink()
    answer = gallery.post("/api/explain", json={"item": "3.png", "row": 5})
    assert (answer.status_code, answer.json()) == (422, {"error": "not found"})


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2])
def test_ctrl_c_while_the_encoder_is_being_loaded_ends_cleanly(
    collection: Path, seconds: float
) -> None:
    with started(collection, "gallery", "photos.tvx"):  # which sees that the status is 0
        time.sleep(seconds)


def test_a_text_goes_with_a_search(gallery: TestClient) -> None:
    every = searched(gallery, item="#0", k=9)
    for text in ("INNER", "png", "7"):
        expected = [hit["row"] for hit in every if text.lower() in hit["image"].lower()]
        found = searched(gallery, item="#0", k=1, text=text)
        assert [(hit["row"], hit["rank"]) for hit in found] == [(expected[0], 1)]
        assert [hit["row"] for hit in searched(gallery, item="#0", k=9, text=text)] == expected
    assert searched(gallery, item="#0", k=3, text="nothing is called so") == []
