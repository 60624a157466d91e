"""Photos as one zip archive: only pictures, only those that may be shown, never without bound."""

import io
import zipfile
from pathlib import Path

import pytest
from conftest import picture
from starlette.testclient import TestClient

from tvcli.core.images.photo import BadImage
from tvcli.serve import archive as module
from tvcli.serve.answers import Refused
from tvcli.serve.archive import LEFT_OUT, archive
from tvcli.serve.collection import Collection


def unpacked(parts: object) -> dict[str, bytes]:
    data = parts if isinstance(parts, bytes) else b"".join(parts)  # type: ignore[call-overload]
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def test_photos_as_they_are_each_once(gallery: TestClient) -> None:
    answer = gallery.post("/api/zip", json={"items": ["1.png", "inner/6.png", "1.png"]})
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == "attachment; filename=photos.zip"
    assert unpacked(answer.content) == {
        name: Path("photos", name).read_bytes() for name in ("1.png", "inner/6.png")
    }


def test_what_cannot_be_packed_is_named(gallery: TestClient) -> None:
    Path("photos/2.png").write_text("no picture: a secret")
    Path("photos/3.png").unlink()
    found = unpacked(gallery.post("/api/zip", json={"items": ["1.png", "2.png", "3.png"]}).content)
    assert set(found) == {"1.png", LEFT_OUT}
    lines = found[LEFT_OUT].decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["2.png", "3.png"]
    assert b"secret" not in b"".join(found.values())


def test_requests_that_are_refused(gallery: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for items, status in (
        (None, 400),
        ("1.png", 400),
        (["none.png"], 404),
        (["1.png"] * 1001, 413),
    ):
        answer = gallery.post("/api/zip", json={"items": items})
        assert (answer.status_code, "error" in answer.json()) == (status, True), answer.text
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    answer = gallery.post("/api/zip", json={"items": ["1.png", "2.png"]})
    assert (answer.status_code, "at most" in answer.json()["error"]) == (413, True)
    monkeypatch.setattr(module, "MOST_PHOTOS", 1)
    assert gallery.post("/api/zip", json={"items": ["1.png", "2.png"]}).status_code == 413


def test_photos_elsewhere_stay_there(tmp_path: Path) -> None:
    """What lies outside the folders shown is refused before anything is read."""
    (tmp_path / "own").mkdir()
    picture(1).save(tmp_path / "own" / "a.png")
    picture(2).save(tmp_path / "secret.png")
    (tmp_path / "own" / "link.png").symlink_to(tmp_path / "secret.png")
    own = Collection(tmp_path / "own", ["a.png", "../secret.png", "link.png"])
    assert unpacked(archive(own, [0])) == {"a.png": (tmp_path / "own" / "a.png").read_bytes()}
    for place in (1, 2):
        with pytest.raises(Refused) as refused:
            archive(own, [0, place])
        assert refused.value.status == 403


@pytest.mark.parametrize(
    "names",
    [
        ["../../x.png", "/x.png", "x.png"],
        ["C:\\x.png", "\udcff.png", "\udcfe.png"],
        [LEFT_OUT, "a/../../b", "../b"],
    ],
)
def test_no_name_leads_out_of_where_it_is_unpacked(names: list[str]) -> None:
    entries = module._entries(names)
    assert len(set(entries)) == len(names)
    for entry in entries:
        assert not entry.startswith("/")
        assert ".." not in entry.split("/")
        assert not set(entry) & set("\\:\0")
        assert entry != LEFT_OUT


def test_a_photo_that_goes_while_it_is_packed(
    gallery: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path) -> bytes:
        raise BadImage("not found")

    monkeypatch.setattr(module, "read_photo", gone)
    assert set(unpacked(gallery.post("/api/zip", json={"items": ["1.png"]}).content)) == {LEFT_OUT}


def test_items_by_their_keys(gallery: TestClient) -> None:
    items = gallery.post("/api/items", json={"items": ["2.png", "#0"]}).json()["items"]
    assert (items[0]["key"], items[1]["row"]) == ("2.png", 0)
    assert gallery.post("/api/items", json={"items": ["none"]}).status_code == 404
    assert gallery.post("/api/items", json={"items": ["#0"] * 1001}).status_code == 413


def test_an_image_is_the_same_in_every_answer(gallery: TestClient) -> None:
    """As `tv search` writes it: a path that works where `tv` was started."""
    listed = {i["key"]: i["image"] for i in gallery.get("/api/items").json()["items"]}
    found = gallery.post("/api/search", json={"item": "0.png", "k": 9}).json()["hits"]
    assert {hit["key"]: hit["image"] for hit in found} == listed
    assert all(Path(image).is_file() for image in listed.values())
    named = gallery.post("/api/items", json={"items": list(listed)}).json()["items"]
    assert {item["key"]: item["image"] for item in named} == listed
    assert gallery.get("/api/item?key=3.png").json()["image"] == listed["3.png"]


def test_the_query_left_out(gallery: TestClient) -> None:
    all_hits = gallery.post("/api/search", json={"item": "0.png", "k": 9}).json()["hits"]
    body = {"item": "0.png", "k": 5, "without_query": True}
    others = gallery.post("/api/search", json=body).json()["hits"]
    assert [hit["key"] for hit in others] == [hit["key"] for hit in all_hits[1:6]]
    assert [hit["similarity"] for hit in others] == [hit["similarity"] for hit in all_hits[1:6]]
    assert [hit["rank"] for hit in others] == [1, 2, 3, 4, 5]
