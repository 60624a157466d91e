import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import client_of
from PIL import Image
from starlette.testclient import TestClient

from tvcli.core.files.locks import Locked
from tvcli.core.files.sources import open_sources
from tvcli.core.images.photo import digest
from tvcli.serve import pages
from tvcli.serve.answers import explain
from tvcli.serve.pages import open_box_editor

FILE = Path("boxes.jsonl")
EMPTY = digest(b"[]")  # the version of a photo without boxes
KNOWN = {"image": "photos/0.png", "width": 240, "height": 200, "box": [1.5, 2, 90, 80]}


def opened(*sources: str, heads: tuple[Path, Path] | None = None) -> Any:
    source = open_sources(list(sources or ("photos",)), stdin=None)  # type: ignore[arg-type]
    return open_box_editor(source, FILE, heads)


@pytest.fixture
def editor(collection: Path) -> Iterator[TestClient]:
    """Give a client of the editor of photos of which one has a box, with a field of its own."""
    other = {"image": "elsewhere/x.png", "box": [1, 1, 2, 2], "label": "kept"}
    lines = [KNOWN | {"label": "coat", "maker": "me"}, other]
    FILE.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (collection / "photos" / "broken.png").write_bytes(b"no picture")
    with opened() as app, client_of(app) as client:
        yield client


def on_disk() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILE.read_text().splitlines()]


def put(client: TestClient, place: int, version: str, boxes: list[Any], **more: Any) -> Any:
    content = {"version": version, "boxes": boxes, **more}
    return client.put(f"/api/photos/{place}/boxes", json=content)


def place_of(client: TestClient, name: str) -> int:
    photos = client.get("/api/photos", params={"limit": 500}).json()["photos"]
    return next(photo["place"] for photo in photos if photo["name"] == name)


def test_lists_filters_and_progress(editor: TestClient) -> None:
    found = editor.get("/api/photos", params={"limit": 3}).json()
    assert (found["total"], found["count"], found["done"]) == (10, 10, 1)
    assert len(found["photos"]) == 3
    assert all(photo["image"] == f"photos/{photo['name']}" for photo in found["photos"])
    unboxed = editor.get("/api/photos", params={"filter": "unboxed", "text": "INNER"}).json()
    assert [photo["name"] for photo in unboxed["photos"]] == ["inner/6.png", "inner/7.png"]
    assert editor.get("/api/photos", params={"filter": "boxed"}).json()["total"] == 1
    for query in ({"filter": "x"}, {"order": "x"}, {"limit": 0}, {"offset": "x"}):
        assert editor.get("/api/photos", params=query).status_code == 400


def test_next_and_before(editor: TestClient) -> None:
    first = place_of(editor, "0.png")

    def following(**query: Any) -> Any:
        return editor.get("/api/next", params=query).json()["place"]

    assert following(**{"from": first}) == first + 1
    assert following(**{"from": first + 1, "step": -1}) == first
    assert following(**{"from": 0, "step": -1}) is None
    assert following(**{"from": 9}) is None
    assert following(**{"from": first + 3, "step": -1, "filter": "boxed"}) == first
    assert following(filter="unboxed") == (1 if first == 0 else 0)
    assert editor.get("/api/place", params={"of": first}).json()["at"] == first
    assert editor.get("/api/place", params={"of": first, "text": "inner"}).json()["at"] is None


def test_the_sheet_lists_what_can_be_looked_at(editor: TestClient) -> None:
    def listed(**query: Any) -> list[str]:
        return [photo["name"] for photo in editor.get("/api/sheet", params=query).json()["photos"]]

    names = listed(limit=60)
    assert len(names) == 8  # not 0.png, which has a box, nor broken.png
    assert "broken.png" not in names
    assert "0.png" not in names
    assert editor.get("/api/about").json()["unreadable"] == 1
    assert listed(limit=3) == names[:3]
    assert listed(limit=3, after=place_of(editor, names[2])) == names[3:6]
    assert listed(after=place_of(editor, names[-1])) == []
    assert listed(text="INNER", filter="boxed") == ["inner/6.png", "inner/7.png"]
    put(editor, place_of(editor, names[0]), EMPTY, [], empty=True)
    assert listed(limit=60) == names[1:]
    for query in ({"limit": 0}, {"limit": 61}, {"after": 10}, {"after": "x"}, {"order": "x"}):
        assert editor.get("/api/sheet", params=query).status_code == 400


def test_boxes_are_saved_and_others_kept(editor: TestClient) -> None:
    place = place_of(editor, "0.png")
    photo = editor.get(f"/api/photos/{place}").json()
    assert (photo["width"], photo["height"]) == (240, 200)
    assert photo["boxed"] == [{"box": [1.5, 2, 90, 80], "label": "coat", "fields": {"maker": "me"}}]
    new = {"box": [5, 5, 300, 190], "label": "dress"}
    answer = put(editor, place, photo["version"], [*photo["boxed"], new])
    assert answer.status_code == 200
    assert on_disk() == [
        KNOWN | {"label": "coat", "maker": "me"},
        KNOWN | {"box": [5, 5, 240, 190], "label": "dress"},
        {"image": "elsewhere/x.png", "box": [1, 1, 2, 2], "label": "kept"},
    ]
    assert put(editor, place, answer.json()["version"], []).json()["done"] == 0
    assert len(on_disk()) == 1
    assert editor.get("/api/about").json()["labels"] == ["kept"]


def test_boxes_that_are_none(editor: TestClient) -> None:
    before = FILE.read_bytes()
    for bad in (
        {"box": [5, 5, 5, 9]},
        {"box": [500, 500, 600, 600]},
        {"box": "x"},
        {},
        7,
        {"box": [0, 0, "1", 1]},
    ):
        assert put(editor, 1, EMPTY, [bad]).status_code == 400, bad
    assert editor.put("/api/photos/1/boxes", json={"boxes": 3}).status_code == 400
    assert put(editor, 99, EMPTY, []).status_code == 404
    assert put(editor, place_of(editor, "broken.png"), EMPTY, []).status_code == 422
    assert FILE.read_bytes() == before


def test_two_pages_notice_each_other(editor: TestClient) -> None:
    assert put(editor, 1, EMPTY, [{"box": [1, 1, 50, 50]}]).status_code == 200
    assert put(editor, 1, EMPTY, [{"box": [2, 2, 60, 60]}]).status_code == 409
    assert put(editor, 2, EMPTY, [{"box": [2, 2, 60, 60]}]).status_code == 200


def test_an_edit_by_another_program_is_never_overwritten(editor: TestClient) -> None:
    before = editor.get(f"/api/photos/{place_of(editor, '0.png')}").json()["version"]
    theirs = json.dumps(KNOWN | {"box": [7, 7, 70, 70]}) + "\n"
    FILE.write_text(theirs)
    assert editor.get("/api/about").json()["changed"] is True
    answer = put(editor, 1, EMPTY, [{"box": [1, 1, 50, 50]}])
    assert (answer.status_code, "another program" in answer.json()["error"]) == (409, True)
    assert FILE.read_text() == theirs
    assert editor.post("/api/reload").status_code == 200
    photo = editor.get(f"/api/photos/{place_of(editor, '0.png')}").json()
    assert photo["boxed"][0]["box"] == [7, 7, 70, 70]
    assert put(editor, photo["place"], before, []).status_code == 409  # theirs are others
    version = editor.get("/api/photos/1").json()["version"]
    assert version == EMPTY  # nothing of this photo changed: what is drawn on it is not refused
    assert put(editor, 1, version, [{"box": [1, 1, 50, 50]}]).status_code == 200
    assert len(on_disk()) == 2
    FILE.unlink()
    assert put(editor, 2, EMPTY, [{"box": [1, 1, 50, 50]}]).status_code == 409


def test_a_file_that_was_only_touched_is_the_same(editor: TestClient) -> None:
    shutil.copy(FILE, "copy")
    Path("copy").rename(FILE)
    assert put(editor, 1, EMPTY, [{"box": [1, 1, 50, 50]}]).status_code == 200


def test_photos_that_cannot_be_read(editor: TestClient) -> None:
    place = place_of(editor, "broken.png")
    photo = editor.get(f"/api/photos/{place}").json()
    assert "not a picture" in photo["unreadable"]
    assert editor.get(f"/pictures/{place}").status_code == 422
    assert editor.get("/api/photos/99").status_code == 404


def test_a_new_file_and_turned_photos(collection: Path) -> None:
    turned = Image.new("RGB", (60, 40))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save("photos/turned.jpg", exif=exif)
    with opened("photos/turned.jpg") as app, client_of(app) as client:
        photo = client.get("/api/photos/0").json()
        assert (photo["width"], photo["height"]) == (40, 60)
        assert put(client, 0, photo["version"], [{"box": [0, 0, 40, 60]}]).status_code == 200
    assert on_disk() == [
        {"image": "photos/turned.jpg", "width": 40, "height": 60, "box": [0, 0, 40, 60]}
    ]


def test_proposals(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sure = {"0.png": 0.9, "1.png": 0.3}

    def proposed(path: Path) -> list[dict[str, Any]]:
        return [{"box": [1, 1, 50, 50], "label": "coat", "score": sure.get(path.name, 0.95)}]

    monkeypatch.setattr(pages, "locator_of", lambda classifier, boxes: proposed)
    with opened(heads=(Path("c.h5"), Path("b.h5"))) as app, client_of(app) as client:
        while client.get("/api/about").json()["proposed"] < 9:
            pass
        listed = client.get("/api/photos", params={"order": "uncertain"}).json()["photos"]
        assert [photo["name"] for photo in listed[:2]] == ["1.png", "0.png"]
        place = listed[0]["place"]
        assert client.get(f"/api/photos/{place}").json()["proposals"][0]["score"] == 0.3
        assert not FILE.exists()
        new = [{"box": [1, 1, 50, 50], "label": "coat"}]
        saved = put(client, place, EMPTY, new, proposals=[]).json()["version"]
        assert put(client, place, saved, [], proposals=[]).status_code == 200
        assert client.get(f"/api/photos/{place}").json()["proposals"] == []


def test_a_restart_keeps_versions_and_a_stale_page_out(collection: Path) -> None:
    first = [{"box": [0, 0, 20, 20]}]
    with opened() as app, client_of(app) as client:
        old = client.get("/api/photos/0").json()["version"]
        answer = client.put("/api/photos/0/boxes", json={"version": old, "boxes": first})
        saved = answer.json()["version"]
    with opened() as app, client_of(app) as client:
        assert client.get("/api/photos/0").json()["version"] == saved != old
        assert client.post("/api/reload", json={}).status_code == 200
        stale = client.put("/api/photos/0/boxes", json={"version": old, "boxes": []})
        assert stale.status_code == 409
        more = [*first, {"box": [5, 5, 50, 50]}]
        answer = client.put("/api/photos/0/boxes", json={"version": saved, "boxes": more})
        assert answer.status_code == 200
        assert len(client.get("/api/photos/0").json()["boxed"]) == 2


def test_an_output_that_is_a_link_stays_one(collection: Path) -> None:
    (collection / "elsewhere").mkdir()
    target = collection / "elsewhere" / "kept.jsonl"
    target.write_text("")
    FILE.symlink_to(target)
    with opened() as app, client_of(app) as client:
        version = client.get("/api/photos/0").json()["version"]
        wanted = {"version": version, "boxes": [{"box": [0, 0, 20, 20]}]}
        assert client.put("/api/photos/0/boxes", json=wanted).status_code == 200
    assert FILE.is_symlink()
    assert len(target.read_text().splitlines()) == 1


def test_a_file_that_another_program_writes_is_said_to_be_locked(collection: Path) -> None:
    assert explain(Locked("boxes.jsonl: is being written")).status_code == 423


def test_a_page_says_what_needs_torch_where_it_is_not_installed() -> None:
    answered = explain(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert answered.status_code == 400
    assert b"this needs PyTorch, which is not installed" in bytes(answered.body)
    assert explain(ModuleNotFoundError("No module named 'x'", name="x")).status_code == 500


def test_photos_without_an_object(editor: TestClient) -> None:
    place = place_of(editor, "1.png")
    answer = put(editor, place, EMPTY, [], empty=True)
    assert (answer.json()["done"], answer.json()["empty"]) == (2, 1)
    record = {"image": "photos/1.png", "width": 240, "height": 200, "empty": True}
    assert on_disk()[-1] == record
    photo = editor.get(f"/api/photos/{place}").json()
    assert (photo["empty"], photo["boxes"], photo["boxed"]) == (True, 0, [])
    for filter, total in (("empty", 1), ("boxed", 1), ("unboxed", 8)):
        found = editor.get("/api/photos", params={"filter": filter}).json()
        assert found["total"] == total, filter
    version = photo["version"]
    both = put(editor, place, version, [{"box": [1, 1, 50, 50]}], empty=True)
    assert both.status_code == 400
    assert put(editor, place, version, [{"box": [1, 1, 50, 50]}]).status_code == 200
    assert record not in on_disk() and len(on_disk()) == 3


def test_records_without_a_box_that_can_be_drawn_are_kept(collection: Path) -> None:
    about = {"image": "photos/0.png", "width": 240, "height": 200}
    kept = [about | {"label": "of the whole"}, about | {"box": [1, 2]}]
    converted = {"image": "photos/1.png", "width": 240, "height": 200, "box": None}
    FILE.write_text("".join(json.dumps(line) + "\n" for line in [*kept, converted]))
    with opened() as app, client_of(app) as client:
        assert client.get("/api/about").json()["done"] == 1
        assert client.get("/api/photos/1").json()["empty"] is True  # a photo without objects
        photo = client.get("/api/photos/0").json()
        assert photo["boxed"] == []
        assert put(client, 0, photo["version"], [{"box": [1, 1, 50, 50]}]).status_code == 200
    assert on_disk() == [*kept, about | {"box": [1, 1, 50, 50]}, converted]


def test_the_label_0_of_a_file_is_one(collection: Path) -> None:
    about = {"image": "photos/0.png", "width": 240, "height": 200, "box": [1, 1, 50, 50]}
    FILE.write_text(json.dumps(about | {"label": 0}) + "\n")
    with opened() as app, client_of(app) as client:
        assert client.get("/api/about").json()["labels"] == ["0"]
        photo = client.get("/api/photos/0").json()
        assert photo["boxed"] == [{"box": [1, 1, 50, 50], "label": "0", "fields": {}}]
        assert put(client, 0, photo["version"], photo["boxed"]).status_code == 200
    assert on_disk() == [about | {"label": "0"}]


@pytest.mark.parametrize("label", ["a\0b", ["a"], True])
def test_a_label_that_other_commands_refuse_is_refused(editor: TestClient, label: Any) -> None:
    answer = put(editor, 1, EMPTY, [{"box": [1, 1, 50, 50], "label": label}])
    assert answer.status_code == 400
    assert '"label" must be text' in answer.json()["error"]
    assert len(on_disk()) == 2


def test_a_photo_that_is_cut_off_takes_no_boxes(collection: Path) -> None:
    path = Path("photos/1.png")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 9 // 10])
    with opened() as app, client_of(app) as client:
        assert client.get("/api/photos/1").json()["unreadable"]
        assert put(client, 1, EMPTY, [{"box": [1, 1, 50, 50]}]).status_code == 422
        assert put(client, 1, EMPTY, [], empty=True).status_code == 422
        assert client.get("/api/about").json()["unreadable"] == 1
        path.write_bytes(whole)
        assert put(client, 1, EMPTY, [{"box": [1, 1, 50, 50]}]).status_code == 200
        assert client.get("/api/about").json()["unreadable"] == 0


def test_a_file_that_cannot_be_read_again_stays_changed(editor: TestClient) -> None:
    broken = '{"image": "photos/0.png", "bo'
    for text in (broken, '{"label": "of nothing"}\n'):
        FILE.write_text(text)
        for _ in range(2):
            assert editor.post("/api/reload").status_code == 404
            assert editor.get("/api/about").json()["changed"] is True
            assert put(editor, 1, EMPTY, [{"box": [1, 1, 50, 50]}]).status_code == 409
        assert editor.get("/api/photos/0").status_code == 200
        assert FILE.read_text() == text


def test_a_file_that_is_gone_can_be_written_again(editor: TestClient) -> None:
    before = on_disk()
    assert editor.post("/api/restore").status_code == 409
    FILE.unlink()
    assert editor.get("/api/about").json()["gone"] is True
    answer = put(editor, 1, EMPTY, [{"box": [1, 1, 50, 50]}])
    assert (answer.status_code, "removed" in answer.json()["error"]) == (409, True)
    assert editor.post("/api/restore").status_code == 200
    assert on_disk() == before
    assert put(editor, 1, EMPTY, [{"box": [1, 1, 50, 50]}]).status_code == 200


def test_boxes_are_of_the_photo_that_is_named(editor: TestClient) -> None:
    named = place_of(editor, "3.png")
    box = [{"box": [1, 1, 50, 50]}]
    assert put(editor, named, EMPTY, box, name="4.png").status_code == 409
    assert put(editor, named, EMPTY, box, name="3.png").status_code == 200
    assert editor.get("/api/place", params={"name": "3.png"}).json()["place"] == named
    assert editor.get("/api/place", params={"name": "none.png"}).json()["place"] is None


def test_where_one_stopped(editor: TestClient) -> None:
    assert editor.get("/api/about").json()["last"] == {
        "place": place_of(editor, "0.png"),
        "label": "kept",
    }
    place = place_of(editor, "4.png")
    put(editor, place, EMPTY, [{"box": [1, 1, 50, 50], "label": "dress"}])
    about = editor.get("/api/about", params={"photo": place}).json()
    assert about["last"] == {"place": place, "label": "dress"}
    assert about["labels"] == ["coat", "kept", "dress"]  # as first given: keys stay what they are
    version = editor.get(f"/api/photos/{place}").json()["version"]
    assert about["versions"] == {str(place): version}
    about = editor.get("/api/about", params={"photo": f"{place},0"}).json()
    assert set(about["versions"]) == {str(place), "0"}
    for wrong in ("x", "10", "-1", "0,,x"):
        assert editor.get("/api/about", params={"photo": wrong}).status_code == 400


def test_the_order_does_not_shift_while_one_works(
    collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = [threading.Event() for _ in range(9)]
    sure = [0.9, 0.5, 0.7, 0.2, 0.1, 0.8, 0.3, 0.6, 0.4]
    looked = iter(range(9))

    def proposed(path: Path) -> list[dict[str, Any]]:
        number = next(looked)
        waits[number].wait(60)
        return [{"box": [1, 1, 50, 50], "label": "", "score": sure[number]}]

    monkeypatch.setattr(pages, "locator_of", lambda classifier, boxes: proposed)
    with opened(heads=(Path("c.h5"), Path("b.h5"))) as app, client_of(app) as client:

        def look(number: int) -> None:
            for wait in waits[:number]:
                wait.set()
            while client.get("/api/about").json()["proposed"] < number:
                pass

        def listed(**more: Any) -> list[int]:
            query = {"order": "uncertain", **more}
            photos = client.get("/api/photos", params=query).json()["photos"]
            return [photo["place"] for photo in photos]

        def following(place: int, step: int = 1) -> Any:
            query = {"order": "uncertain", "from": place, "step": step}
            return client.get("/api/next", params=query).json()["place"]

        look(3)
        assert listed() == [1, 2, 0, 3, 4, 5, 6, 7, 8]
        look(6)  # three more, of which two are less sure than all before
        assert listed() == [1, 2, 0, 3, 4, 5, 6, 7, 8]
        assert [following(1), following(2)] == [2, 0]
        assert following(0) == 4  # through with the first: the next are in their own order
        assert listed() == [1, 2, 0, 4, 3, 5, 6, 7, 8]
        look(9)
        walked = [1]
        while (place := following(walked[-1])) is not None:
            walked.append(place)
        assert walked == [1, 2, 0, 4, 3, 5, 6, 8, 7]
        back = [walked[-1]]
        while (place := following(back[-1], -1)) is not None:
            back.append(place)
        assert back == walked[::-1]
        assert listed(fresh=1) == sorted(range(9), key=lambda place: sure[place])
