"""`tv serve`: what programs can ask, with which token, of which photos."""

import json
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran, picture
from starlette.testclient import TestClient

from tvcli.core.errors import BadInput
from tvcli.core.searching import live_searcher
from tvcli.serve.service import ServiceSettings, make_service
from tvcli.serve.service_gate import VARIABLE, service_token
from tvcli.serve.storage import Storage

TOKEN = "a token of many letters"
BEARER = {"authorization": f"Bearer {TOKEN}"}
Tv = Callable[..., Ran]


def client_of(**more: Any) -> TestClient:
    settings = ServiceSettings(indexes=(Path("photos.tvx"),), token=TOKEN, **more)
    return TestClient(make_service(settings), headers=BEARER)


@pytest.fixture
def client(collection: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Give a client of the service of the collection, which looks for changes at every request."""
    monkeypatch.setattr(live_searcher, "GLANCE", 0.0)
    stored = Storage.parse("https://shop.example/img/=photos")
    with client_of(storages=(stored,)) as client:
        yield client


def ask(client: TestClient, **wanted: Any) -> dict[str, Any]:
    answer = client.post("/v1/search", json=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_photo_that_is_sent_is_searched_as_tv_search_does(
    client: TestClient, collection: Path, tv: Tv
) -> None:
    data = (collection / "photos" / "3.png").read_bytes()
    answer = client.post(
        "/v1/search?k=4&box=10,20,150,160", content=data, headers={"content-type": "image/png"}
    )
    told = tv("search", "photos/3.png", "-i", "photos.tvx", "-k", 4, "--box", "10,20,150,160")
    hits = [json.loads(line) for line in told.out.splitlines()]
    assert answer.json() == {
        "index": "photos",
        "hits": [
            {
                "query_box": [10, 20, 150, 160],
                "rank": hit["rank"],
                "image": hit["image"].removeprefix("photos/"),
                "similarity": hit["similarity"],
            }
            for hit in hits
        ],
    }


def test_items_examples_and_the_storage(client: TestClient) -> None:
    by_item = ask(client, item="3.png", k=3)["hits"]
    by_address = ask(client, image="https://shop.example/img/3.png", k=3)["hits"]
    assert by_item[0] == {"rank": 1, "image": "3.png", "similarity": 1.0}
    assert [hit["image"] for hit in by_address] == [hit["image"] for hit in by_item]
    near = {hit["image"]: hit["similarity"] for hit in ask(client, like=["3.png"])["hits"]}
    away = ask(client, like=["3.png"], unlike=["4.png"])["hits"]
    weighed = ask(client, like=["3.png:2"], unlike=["4.png:0.5"])["hits"]
    assert {h["image"]: h["similarity"] for h in weighed} != {
        h["image"]: h["similarity"] for h in away
    }
    assert away[0]["image"] == "3.png" and near["3.png"] == pytest.approx(1, abs=1e-3)
    assert {hit["image"]: hit["similarity"] for hit in away}["4.png"] < near["4.png"] - 0.05
    few = ask(client, item="3.png", min_similarity=0.99)["hits"]
    assert [hit["image"] for hit in few] == ["3.png"]
    inner = ask(client, item="3.png", where=["image^=inner/"])["hits"]
    assert sorted(hit["image"] for hit in inner) == ["inner/6.png", "inner/7.png"]


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({}, 400, "send a photo, or name"),
        ({"item": "gone.png"}, 404, "gone.png"),
        ({"item": 3}, 400, "item: a text is wanted, not 3"),
        ({"item": "3.png", "image": "3.png"}, 400, "one of"),
        ({"item": "3.png", "k": 0}, 400, "k: a whole number from 1 to 1000 is wanted, not 0"),
        (
            {"item": "3.png", "k": 10**9},
            400,
            "1 to 1000 is wanted, not 1000000000",
        ),
        ({"item": "3.png", "min_similarity": "x"}, 400, "min_similarity"),
        ({"item": "3.png", "min_similarity": 2}, 400, "min_similarity"),
        ({"item": "3.png", "index": "other"}, 404, "there are photos"),
        ({"item": "3.png", "box": [1, 2, 3, 4]}, 400, "box: goes with a photo"),
        ({"item": "3.png", "where": ["nonsense"]}, 400, "nonsense"),
        ({"item": "3.png", "where": ["label=a"] * 21}, 400, "where: at most 20"),
        ({"item": "3.png", "like": ["3.png"] * 101}, 400, "like: at most 100"),
        ({"item": "3.png", "likes": ["3.png"]}, 400, "likes: unknown"),
        ({"item": "3.png", "like": ["3.png:0"]}, 400, "a weight is above 0"),
        ({"item": "3.png", "like": ["none.png:2"]}, 404, "none.png"),
        ({"image": "https://shop.example/img/3.png", "box": [5, 5, 1, 1]}, 400, "box"),
        ({"image": "https://shop.example/img/gone.png"}, 404, "no such photo"),
        ({"image": "https://elsewhere.example/3.png"}, 404, "no such photo"),
        ({"image": "https://shop.example/img/../photos.tvx/index.json"}, 403, "outside"),
        ({"image": "https://shop.example/img//etc/passwd"}, 404, "no such photo"),
        ({"image": "https://shop.example/img/\0"}, 404, "no such photo"),
        ({"image": "https://shop.example/img/" + "a" * 5000}, 404, "no such photo"),
        ({"image": "https://shop.example/img/\ud800"}, 404, "no such photo"),
        ({"item": "\ud800"}, 404, "not in"),
        ({"item": "3.png", "k": True}, 400, "k: a whole number from 1 to 1000 is wanted, not true"),
        ({"item": "3.png", "k": 2.9}, 400, "not 2.9"),
        ({"item": "3.png", "k": "5"}, 400, 'not "5"'),
        ({"item": "3.png", "min_similarity": True}, 400, "min_similarity: a number from -1 to 1"),
        ({"item": "3.png", "min_similarity": "0.5"}, 400, "min_similarity: a number"),
        ({"item": "3.png", "min_similarity": 10**300}, 400, "min_similarity: a number"),
        ({"item": "3.png", "min_similarity": 10**400}, 400, "not an object of JSON"),
        ({"item": "3.png", "locate": 1}, 400, "locate: true or false is wanted, not 1"),
        ({"item": "3.png", "locate": "true"}, 400, "locate: true or false"),
        ({"image": "https://shop.example/img/3.png", "locate": True}, 400, "locate: photos.tvx"),
        ({"item": "3.png", "like": 0}, 400, "like: a list of texts is wanted, not 0"),
        ({"item": "3.png", "like": ""}, 400, "like: a list of texts"),
        ({"item": "3.png", "like": [3]}, 400, "like: a list of texts"),
        ({"item": "3.png", "where": "label=a"}, 400, "where: a list of texts"),
        ({"item": "3.png", "where": ["a=\0"]}, 400, "where"),
        ({"item": "3.png", "index": 0}, 400, "index: a text"),
        ({"unlike": ["3.png"]}, 400, "something to like"),
        ({"image": "https://shop.example/img/3.png", "box": "1,2,90,90"}, 400, "box: a list"),
        ({"image": "https://shop.example/img/3.png", "box": [0, 0, 9, True]}, 400, "box"),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: TestClient, wanted: dict[str, Any], status: int, said: str
) -> None:
    sent = json.dumps(wanted)  # httpx cannot write half a character
    answer = client.post("/v1/search", content=sent, headers={"content-type": "application/json"})
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text


def test_a_form_is_told_how_a_photo_is_sent(client: TestClient, collection: Path) -> None:
    photo = (collection / "photos" / "3.png").read_bytes()
    answer = client.post("/v1/search", files={"image": photo})
    assert answer.status_code == 400 and "--data-binary" in answer.json()["error"]


def test_a_link_out_of_the_storage_is_not_followed(client: TestClient, collection: Path) -> None:
    picture(1).save(collection / "secret.png")
    (collection / "photos" / "link.png").symlink_to(collection / "secret.png")
    answer = client.post("/v1/search", json={"image": "https://shop.example/img/link.png"})
    assert answer.status_code == 403
    with client_of() as without:
        answer = without.post("/v1/search", json={"image": "3.png"})
    assert answer.status_code == 403 and "--photos" in answer.json()["error"]


def test_what_is_hidden_or_no_photo_is_not_there(client: TestClient, collection: Path) -> None:
    photos = collection / "photos"
    for name in (".git/3.png", ".tv/inner/3.png", "inner/.3.png", "3.txt", "3"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / "3.png", photos / name)
    (photos / "seen.png").symlink_to(".git/3.png")
    (photos / "notes.txt").write_text("no photo")
    status = {
        name: client.post(
            "/v1/search", json={"image": f"https://shop.example/img/{name}"}
        ).status_code
        for name in (".git/3.png", ".tv/inner/3.png", "inner/.3.png", "seen.png", "notes.txt")
    }
    assert set(status.values()) == {404}, status
    for name in ("3.txt", "3"):  # photos by how they begin
        assert ask(client, image=f"https://shop.example/img/{name}", k=1)["hits"]


def test_what_stands_in_an_address_is_read_as_its_type(
    client: TestClient, collection: Path
) -> None:
    data = (collection / "photos" / "3.png").read_bytes()
    for words, said in (
        ("k=2.9", 'k: a whole number from 1 to 1000 is wanted, not "2.9"'),
        ("k=" + "9" * 30, "k: a whole number"),
        ("min_similarity=nan", "min_similarity: a number from -1 to 1"),
        ("min_similarity=high", 'not "high"'),
        ("locate=1", 'locate: true or false is wanted, not "1"'),
        ("where=" + "x" * 5000, "where: a condition of more than"),
    ):
        answer = client.post(f"/v1/search?{words}", content=data)
        assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text


@pytest.mark.parametrize("body", [b"no photo", b"\x89PNG\r\n\x1a\n", b"[1]"])
def test_what_is_no_photo_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/search", content=body, headers={"content-type": "image/png"})
    assert answer.status_code == 422


def test_only_who_has_the_token_is_answered(client: TestClient) -> None:
    paths = [("POST", "/v1/search"), ("GET", "/v1/indexes"), ("GET", "/metrics"), ("GET", "/x")]
    for given in ("", "Bearer", "Bearer wrong", f"Bearer {TOKEN[:-1]}", f"bearer{TOKEN}"):
        for method, path in paths:
            answer = client.request(method, path, headers={"authorization": given})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
    for scheme in ("Bearer", "bearer", "BEARER"):  # RFC 9110: in any case
        given = {"authorization": f"{scheme} {TOKEN}"}
        assert client.get("/v1/indexes", headers=given).status_code == 200
    for path in ("/health", "/openapi.json"):
        assert client.get(path, headers={"authorization": ""}).status_code == 200
    assert "photos" not in client.get("/health").text  # which anybody may ask


def test_too_much_is_refused(client: TestClient) -> None:
    big = {"content-length": str(65 * 2**20), "content-type": "image/png"}
    assert client.post("/v1/search", content=b"", headers=big).status_code == 413
    assert client.request("GET", "/health", content=b"x").status_code == 413
    assert client.request("GET", "/health", content=iter([b"x"])).status_code == 413
    assert client.get("/" + "x" * 3000).status_code == 414
    assert client.get("/v1/search").status_code == 405
    assert client.post("/nothing").status_code == 404


def test_an_updated_index_is_seen_without_a_restart(
    client: TestClient, collection: Path, tv: Tv
) -> None:
    before = client.get("/v1/indexes").json()["indexes"][0]["rows"]
    picture(77, 240, 200).save(collection / "photos" / "77.png")
    assert tv("index", "photos", "-o", "photos.tvx", "--update").status == 0
    assert client.get("/v1/indexes").json()["indexes"][0]["rows"] == before + 1
    assert ask(client, item="77.png", k=1)["hits"][0]["image"] == "77.png"
    manifest = collection / "photos.tvx" / "index.json"
    for damaged in ("{", "[]", manifest.read_text().replace("segments", "parts")):  # being copied
        manifest.write_text(damaged)
        assert ask(client, item="77.png", k=1)["hits"][0]["image"] == "77.png"
        assert client.get("/v1/indexes").status_code == 200


def test_the_description_names_what_can_be_asked(client: TestClient) -> None:
    told = client.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    search = told["paths"]["/v1/search"]["post"]
    schema = search["requestBody"]["content"]["application/json"]["schema"]
    for name in schema["properties"]:
        unknown = client.post("/v1/search", json={name: None})
        assert "unknown" not in unknown.json().get("error", "")
    for path, methods in told["paths"].items():
        for method in methods:
            assert client.request(method, path).status_code not in (404, 405)


@pytest.mark.skipif(find_spec("prometheus_client") is None, reason="prometheus_client is not there")
def test_figures_count_searches_by_how_they_end(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(status: int) -> float:
        lines = client.get("/metrics").text.splitlines()
        start = f'tv_search_seconds_count{{index="photos",status="{status}"}}'
        return sum(float(line.split()[-1]) for line in lines if line.startswith(start))

    before = count(200), count(404)
    ask(client, item="3.png")
    ask(client, item="4.png")
    client.post("/v1/search", json={"item": "gone"})
    assert (count(200), count(404)) == (before[0] + 2, before[1] + 1)


def test_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(BadInput, match="openssl rand"):
        service_token(None)
    monkeypatch.setenv(VARIABLE, TOKEN)
    assert service_token(None) == TOKEN
    file.write_text(f"{TOKEN} of a file\nand a remark\n")
    assert service_token(file) == f"{TOKEN} of a file"
    for content in (b"", b"short", b"\xff" * 30, "ü".encode() * 20):
        file.write_bytes(content)
        with pytest.raises(BadInput, match="token"):
            service_token(file)
    with pytest.raises(BadInput, match="no token can be read"):
        service_token(tmp_path / "gone")


def test_two_indexes_of_one_name_are_refused(collection: Path) -> None:
    settings = ServiceSettings((Path("photos.tvx"), Path("./photos.tvx")), TOKEN)
    with pytest.raises(BadInput, match="another index is called photos"):
        make_service(settings)
