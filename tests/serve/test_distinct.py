"""Files of the same content as one hit, and fields, in the gallery and in the service."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import picture
from pages import client_of
from starlette.testclient import TestClient

from tvcli.cli import run
from tvcli.serve.pages import open_gallery
from tvcli.serve.service import ServiceSettings, make_service

TOKEN = "a token of many letters"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder, the current one, whose index has three copies of one photo, with fields."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("photos").mkdir()
    for number in range(5):
        picture(number).save(f"photos/{number}.png")
    for copy in ("copy_a", "copy_b"):
        shutil.copy("photos/0.png", f"photos/{copy}.png")
    names = sorted(path.name for path in Path("photos").iterdir())
    Path("shop.jsonl").write_text(
        "".join(
            json.dumps({"image": f"photos/{name}", "name": f"article {name}", "price": price})
            + "\n"
            for price, name in enumerate(names)
        )
    )
    assert run(["index", "shop.jsonl", "-o", "shop.tvx", "-q"]) == 0
    return tmp_path


@pytest.fixture
def gallery(shop: Path) -> Iterator[TestClient]:
    with open_gallery([Path("shop.tvx")], None) as app, client_of(app) as client:
        yield client


@pytest.fixture
def service(shop: Path) -> Iterator[TestClient]:
    settings = ServiceSettings(indexes=(Path("shop.tvx"),), token=TOKEN)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    with TestClient(make_service(settings), headers=bearer) as client:
        yield client


def searched(client: TestClient, **wanted: Any) -> list[dict[str, Any]]:
    answer = client.post("/api/search", json=wanted)
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


def test_the_service_lists_files_of_the_same_content(service: TestClient) -> None:
    for answer in (
        service.post("/v1/search", json={"item": "photos/copy_b.png", "k": 3, "distinct": True}),
        service.post(
            "/v1/search?k=3&distinct=true",
            content=Path("photos/0.png").read_bytes(),
            headers={"content-type": "image/png"},
        ),
    ):
        hits = answer.json()["hits"]
        assert hits[0]["image"] == "photos/0.png"
        assert hits[0]["same_content"] == ["photos/copy_a.png", "photos/copy_b.png"]
        assert hits[0]["name"] == "article 0.png" and hits[0]["price"] == 0
        assert [hit["rank"] for hit in hits] == [1, 2, 3]
        assert not any("same_content" in hit for hit in hits[1:])
    plain = service.post("/v1/search", json={"item": "photos/0.png", "k": 3}).json()["hits"]
    assert [hit["image"] for hit in plain] == [
        "photos/0.png",
        "photos/copy_a.png",
        "photos/copy_b.png",
    ]
    refused = service.post("/v1/search", json={"item": "photos/0.png", "distinct": 1})
    assert refused.status_code == 400
    assert refused.json()["error"] == "distinct: true or false is wanted, not 1"


def test_the_gallery_lists_files_of_the_same_content(gallery: TestClient) -> None:
    item = {"item": "photos/1.png", "k": 9}
    assert len(searched(gallery, **item)) == 7
    found = searched(gallery, **item, distinct=True)
    assert len(found) == 5
    (copied,) = (hit for hit in found if "same_content" in hit)
    assert copied["key"] == "photos/0.png"
    assert copied["same_content"] == ["photos/copy_a.png", "photos/copy_b.png"]


def test_besides_the_query_its_copies_are_a_hit(gallery: TestClient) -> None:
    wanted = {"k": 9, "distinct": True, "without_query": True}
    first = searched(gallery, item="photos/0.png", **wanted)
    assert (first[0]["key"], first[0]["same_content"]) == (
        "photos/copy_a.png",
        ["photos/copy_b.png"],
    )
    assert first[0]["fields"] == {"name": "article copy_a.png", "price": 5}
    assert [hit["rank"] for hit in first] == list(range(1, 6))
    last = searched(gallery, item="photos/copy_b.png", **wanted)
    assert (last[0]["key"], last[0]["same_content"]) == ("photos/0.png", ["photos/copy_a.png"])
    alone = searched(gallery, item="photos/1.png", **wanted)
    assert "photos/1.png" not in [hit["key"] for hit in alone] and len(alone) == 4


def test_a_text_is_looked_for_in_each_of_the_files(gallery: TestClient) -> None:
    (hit,) = searched(gallery, item="photos/1.png", k=9, distinct=True, text="copy_")
    assert (hit["key"], hit["same_content"]) == ("photos/copy_a.png", ["photos/copy_b.png"])
    (hit,) = searched(gallery, item="photos/1.png", k=9, distinct=True, text="copy_b")
    assert hit["key"] == "photos/copy_b.png" and "same_content" not in hit


def test_items_and_hits_of_the_gallery_have_their_fields(gallery: TestClient) -> None:
    fields = {"name": "article 1.png", "price": 1}
    listed = gallery.get("/api/items").json()["items"][1]
    named = gallery.post("/api/items", json={"items": ["photos/1.png"]}).json()["items"][0]
    alone = gallery.get("/api/item", params={"key": "photos/1.png"}).json()
    hit = searched(gallery, item="photos/1.png")[0]
    for item in (listed, named, alone, hit):
        assert (item["name"], item["fields"]) == ("1.png", fields)
    assert alone["facts"]["file"].endswith(tuple("0123456789"))


def test_the_least_probability(service: TestClient, shop: Path) -> None:
    wanted = {"item": "photos/0.png", "k": 7, "min_probability": 0.5}
    refused = service.post("/v1/search", json=wanted)
    assert refused.status_code == 400
    assert refused.json()["error"] == (
        "min_probability: shop does not know what its similarities mean, until "
        "tv eval search --calibrate tells it"
    )
    assert [i["calibrated"] for i in service.get("/v1/indexes").json()["indexes"]] == [False]
    for value, said in (
        (2, "a number from 0 to 1"),
        (-0.1, "a number from 0 to 1"),
        (True, "not true"),
    ):
        answer = service.post("/v1/search", json=wanted | {"min_probability": value})
        assert (answer.status_code, said in answer.json()["error"]) == (400, True)
    manifest = json.loads(Path("shop.tvx/index.json").read_text())
    manifest["settings"]["calibration"] = {
        "similarities": [-1.0, 0.99, 0.999],
        "probabilities": [0.0, 0.1, 0.9],
    }
    Path("shop.tvx/index.json").write_text(json.dumps(manifest))
    settings = ServiceSettings(indexes=(Path("shop.tvx"),), token=TOKEN)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    with TestClient(make_service(settings), headers=bearer) as client:
        assert client.get("/v1/indexes").json()["indexes"][0]["calibrated"] is True
        for answer in (
            client.post("/v1/search", json=wanted),
            client.post(
                "/v1/search?k=7&min_probability=0.5",
                content=Path("photos/0.png").read_bytes(),
                headers={"content-type": "image/png"},
            ),
        ):
            hits = answer.json()["hits"]
            assert [hit["image"] for hit in hits] == [
                "photos/0.png",
                "photos/copy_a.png",
                "photos/copy_b.png",
            ]
            assert all(hit["probability"] == 0.9 for hit in hits)
