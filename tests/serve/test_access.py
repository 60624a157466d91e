from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import picture
from pages import ORIGIN, TOKEN, client_of
from starlette.testclient import TestClient

from tvcli.serve import access
from tvcli.serve.access import Gate
from tvcli.serve.pages import open_gallery


@pytest.fixture
def stranger(collection: Path) -> Iterator[TestClient]:
    """Give a client without the token."""
    with open_gallery([Path("photos.tvx")], None) as app:
        yield TestClient(Gate(app, TOKEN, "127.0.0.1", 1234), base_url=ORIGIN)


def test_nothing_without_the_token(stranger: TestClient) -> None:
    for path in ("/api/items", "/api/about", "/pictures/0", "/api/item?key=0.png"):
        answer = stranger.get(path)
        assert answer.status_code == 401, path
        assert "token" in answer.json()["error"]
    assert stranger.get("/").status_code == 401
    assert "Token <input" in stranger.get("/").text
    assert stranger.get("/", params={"token": "guess"}).status_code == 401
    for method in ("POST", "PUT", "DELETE"):
        assert stranger.request(method, "/api/search", json={}).status_code == 401


def test_the_token_leaves_the_address(stranger: TestClient) -> None:
    answer = stranger.get(f"/?item=0.png&token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?item=0.png")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert stranger.get("/api/about").status_code == 200


def test_writes_come_from_the_page(gallery: TestClient) -> None:
    wanted = {"item": "0.png"}
    assert gallery.post("/api/search", json=wanted).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1:12345"):
        answer = gallery.post("/api/search", json=wanted, headers={"origin": origin})
        assert answer.status_code == 403, origin
    del gallery.headers["origin"]
    assert gallery.post("/api/search", json=wanted).status_code == 403


def test_a_program_sends_the_token_itself(stranger: TestClient) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert stranger.post("/api/search", json={"item": "0.png"}, headers=bearer).status_code == 200
    evil = bearer | {"origin": "http://evil.example"}
    assert stranger.post("/api/search", json={"item": "0.png"}, headers=evil).status_code == 403
    wrong = {"authorization": "Bearer guess"}
    assert stranger.post("/api/search", json={"item": "0.png"}, headers=wrong).status_code == 401


def test_only_names_of_this_machine(gallery: TestClient) -> None:
    for host in ("evil.example", "evil.example:1234", "127.0.0.1.evil.example", "", "[::1"):
        answer = gallery.get("/api/about", headers={"host": host})
        assert answer.status_code == 421, host
    for host in ("localhost", "localhost:9000", "127.0.0.1", "[::1]:7", "192.168.1.5:8000"):
        bearer = {"host": host, "authorization": f"Bearer {TOKEN}"}
        assert gallery.get("/api/about", headers=bearer).status_code == 200, host


def test_through_a_tunnel_with_another_port(gallery: TestClient) -> None:
    headers = {"host": "localhost:9000", "origin": "http://localhost:9000"}
    bearer = headers | {"authorization": f"Bearer {TOKEN}"}
    answer = gallery.post("/api/search", json={"item": "0.png"}, headers=bearer)
    assert answer.status_code == 200


def test_headers_forbid_what_comes_from_elsewhere(gallery: TestClient) -> None:
    for path in ("/", "/api/about", "/static/gallery.js", "/pictures/0", "/nothing"):
        headers = gallery.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_bodies_are_bounded(gallery: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_BODY", 1000)
    answer = gallery.post("/api/files", content=b"x" * 1001)
    assert answer.status_code == 413
    chunks = (b"x" * 300 for _ in range(4))  # sent in chunks, without its length
    assert gallery.post("/api/files", content=chunks).status_code == 413


@pytest.mark.parametrize("path", ["/../secret.png", "/%2e%2e/secret.png", "//etc/passwd", "/-1"])
def test_no_path_leads_out(gallery: TestClient, collection: Path, path: str) -> None:
    picture(3).save(collection / "secret.png")
    for start in ("/pictures", "/static", "/static/..", "/pictures/0/.."):
        answer = gallery.get(start + path)
        assert answer.status_code in (404, 400), answer.url
    for key in (
        "../secret.png",
        str(collection / "secret.png"),
        "/etc/passwd",
        "a\0b",
        "#99",
        "#x",
    ):
        assert gallery.get("/api/item", params={"key": key}).status_code == 404
        for name in ("item", "file"):
            assert gallery.post("/api/search", json={name: key}).status_code == 404
        assert gallery.post("/api/search", json={"like": [key]}).status_code == 404


def test_links_that_lead_out_are_not_served(gallery: TestClient, collection: Path) -> None:
    outside = collection.parent / "secret.png"
    picture(3).save(outside)
    photo = collection / "photos" / "0.png"
    photo.unlink()
    photo.symlink_to(outside)
    for size in ("thumb", "view", "full"):
        assert gallery.get("/pictures/0", params={"size": size}).status_code == 403
    box = {"item": "0.png", "box": [0, 0, 50, 50]}
    assert gallery.post("/api/search", json=box).status_code == 403
    photo.unlink()
    photo.symlink_to(collection / "photos" / "1.png")
    assert gallery.get("/pictures/0").status_code == 200


def test_a_folder_that_is_a_link_leads_out_too(collection: Path) -> None:
    elsewhere = collection.parent / "elsewhere"
    (collection / "photos" / "inner").rename(elsewhere)
    (collection / "photos" / "inner").symlink_to(elsewhere)
    with open_gallery([Path("photos.tvx")], None) as app, client_of(app) as client:
        items = client.get("/api/items").json()["items"]
        inner = next(item["row"] for item in items if item["image"] == "inner/6.png")
        assert client.get(f"/pictures/{inner}").status_code == 403
