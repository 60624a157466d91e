from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import picture
from pages import ORIGIN, TOKEN, client_of
from starlette.testclient import TestClient

from tvcli.serve import access
from tvcli.serve.access import Gate
from tvcli.serve.entrance import LIFETIME, Entrance
from tvcli.serve.files import HERE
from tvcli.serve.pages import open_gallery

GALLERY = HERE / "static" / "gallery.html"


@pytest.fixture
def stranger(collection: Path) -> Iterator[TestClient]:
    """Give a client without the token."""
    with open_gallery([Path("photos.tvx")], None) as app:
        yield TestClient(Gate(app, TOKEN), base_url=ORIGIN)


def test_nothing_without_the_token(stranger: TestClient) -> None:
    for path in ("/api/items", "/api/about", "/pictures/0", "/api/item?key=0.png"):
        answer = stranger.get(path)
        assert answer.status_code == 401, path
        assert "token" in answer.json()["error"]
    for method in ("POST", "PUT", "DELETE"):
        assert stranger.request(method, "/api/search", json={}).status_code == 401
        assert stranger.request(method, "/", json={}).status_code == 401


def test_what_is_open_to_all_holds_nothing(stranger: TestClient) -> None:
    """The page is the package's file, whoever asks; what it shows is asked for with a token."""
    for path in ("/", "/?item=0.png", f"/?token={TOKEN}", "/?item=0.png&ticket=x"):
        answer = stranger.get(path, follow_redirects=False)
        assert (answer.status_code, answer.text) == (200, GALLERY.read_text("utf-8"))
        assert "set-cookie" not in answer.headers
    assert stranger.get("/static/gallery.js").status_code == 200


def test_what_is_open_to_all_takes_no_body(stranger: TestClient) -> None:
    for content in (b"x", iter([b"x"])):  # with a length, and in chunks
        assert stranger.request("GET", "/", content=content).status_code == 413


def test_a_ticket_lets_in_once(collection: Path) -> None:
    tickets: list[str] = []
    with open_gallery([Path("photos.tvx")], None) as app:
        gate = Gate(app, TOKEN, tell=tickets.append)
        client = TestClient(gate, base_url=ORIGIN)
        gate.entrance.invite()
        (ticket,) = tickets
        assert TOKEN not in ticket
        for guess in ("", "guess", TOKEN, ticket[:-1]):
            assert client.post("/api/session", json={"ticket": guess}).status_code == 401
        surrogate = b'{"ticket": "\\ud800"}'
        assert client.post("/api/session", content=surrogate).status_code == 401
        assert client.post("/api/session", content=b"[" * 900).status_code == 401
        assert client.post("/api/session", content=b"x" * 1001).status_code == 413
        assert tickets == [ticket]  # it is good still: no other is told
        session = client.post("/api/session", json={"ticket": ticket}).json()
        assert session["token"] == TOKEN
        bearer = {"authorization": f"Bearer {session['token']}"}
        assert client.get("/api/about", headers=bearer).status_code == 200
        again = client.post("/api/session", json={"ticket": ticket})
        assert again.status_code == 401
        assert "tv has printed a new one" in again.json()["error"]
        assert len(tickets) == 2
        evil = client.post(
            "/api/session", json={"ticket": tickets[1]}, headers={"origin": "http://127.0.0.1:9"}
        )
        assert evil.status_code == 403
        assert client.post("/api/session", json={"ticket": tickets[1]}).status_code == 200


def test_a_ticket_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now, tickets = [100.0], list[str]()
    entrance = Entrance(TOKEN, tickets.append, lambda: now[0])
    entrance.invite()
    now[0] += LIFETIME
    assert entrance.enter(tickets[0]) is None
    now[0] += LIFETIME - 1
    assert entrance.enter(tickets[1]) == entrance.session


def test_the_pass_reads_pictures_alone(stranger: TestClient, gallery: TestClient) -> None:
    gate = gallery.app
    assert isinstance(gate, Gate)
    own = {"pass": gate.entrance.session.pictures}
    del gallery.headers["authorization"]
    assert gallery.get("/pictures/0", params=own).status_code == 200
    assert gallery.get("/pictures/0", params={"pass": "guess"}).status_code == 401
    for path in ("/api/items", "/api/about", "/api/item", "/api/files/x", "/pictures/0/more"):
        assert gallery.get(path, params=own).status_code == 401, path
    assert gallery.post("/pictures/0", params=own).status_code == 401
    bearer = {"authorization": f"Bearer {own['pass']}"}
    assert gallery.get("/api/items", headers=bearer).status_code == 401


def test_writes_come_from_the_page(gallery: TestClient) -> None:
    wanted = {"item": "0.png"}
    assert gallery.post("/api/search", json=wanted).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1:12345"):
        answer = gallery.post("/api/search", json=wanted, headers={"origin": origin})
        assert answer.status_code == 403, origin
    cookie = {"cookie": f"tv-1234={TOKEN}; tv={TOKEN}", "authorization": ""}
    assert gallery.post("/api/search", json=wanted, headers=cookie).status_code == 401


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
    answer = gallery.post("/api/files", content=chunks)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_addresses_that_are_none_have_no_traceback(gallery: TestClient) -> None:
    long = "9" * 2000
    for path in (
        f"/pictures/{long}",
        "/pictures/%00",
        "/%0d%0aset-cookie:a",
        "/%ff%fe",
        "/static/%00",
    ):
        assert gallery.get(path, follow_redirects=False).status_code == 404, path
    for path in ("//evil.example", "//evil.example/", "/api/about/", "/%5c%5cevil.example"):
        answer = gallery.get(ORIGIN + path, follow_redirects=False)
        assert answer.status_code == 404, path
        assert "location" not in answer.headers
    assert gallery.get("/pictures/" + "9" * 5000).status_code == 414
    for key in ("#²", "#" + "9" * 5000, "#-1", "#" + "0" * 30):
        assert gallery.post("/api/search", json={"item": key}).status_code == 404, key
    for number in ("9" * 5000, "²", "1e5", ""):
        answer = gallery.get("/api/items", params={"offset": number})
        assert answer.status_code == 400, number


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
        inner = next(item["row"] for item in items if item["image"] == "photos/inner/6.png")
        assert client.get(f"/pictures/{inner}").status_code == 403
