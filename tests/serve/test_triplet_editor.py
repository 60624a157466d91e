import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import client_of
from starlette.testclient import TestClient

from tvcli.core.indexes.index import open_index
from tvcli.core.ranking.clicks import read_clicks
from tvcli.serve.pages import open_triplet_editor
from tvcli.serve.references import margins, references

FILE = Path("clicks.jsonl")


@pytest.fixture
def editor(collection: Path) -> Iterator[TestClient]:
    """Give a client of the similarity editor."""
    with open_triplet_editor(Path("photos.tvx"), FILE) as app, client_of(app) as client:
        yield client


def chosen(client: TestClient, at: int) -> dict[str, Any]:
    shown = client.get("/api/reference", params={"at": at}).json()
    near = [hit["key"] for hit in shown["neighbours"]]
    return {"anchor": shown["reference"]["key"], "positive": near[0], "negative": near[1], "at": at}


def test_a_reference_and_its_neighbours(editor: TestClient) -> None:
    shown = editor.get("/api/reference", params={"at": 2}).json()
    assert shown["total"] == 9
    assert len(shown["neighbours"]) == 8
    assert shown["reference"]["key"] not in [hit["key"] for hit in shown["neighbours"]]
    values = [hit["similarity"] for hit in shown["neighbours"]]
    assert values == sorted(values, reverse=True)
    seen = {chosen(editor, at)["anchor"] for at in range(9)}
    assert len(seen) == 9
    assert editor.get("/api/reference", params={"at": 9}).status_code == 400


def test_triplets_are_saved_undone_and_read_by_tv_triplets(editor: TestClient) -> None:
    first, second = chosen(editor, 0), chosen(editor, 1)
    assert editor.post("/api/triplets", json=first).json()["triplets"] == 1
    assert editor.post("/api/triplets", json=second).json()["triplets"] == 2
    triplets, _ = read_clicks(FILE, 16)
    assert [Path(i.image).name for i in triplets[0].items] == [
        Path(first[role]).name for role in ("anchor", "positive", "negative")
    ]
    assert all(Path(item.image).is_file() for triplet in triplets for item in triplet.items)
    assert editor.post("/api/undo").json() == {
        "at": 1,
        "triplets": 1,
        "undoable": 1,
        "rows": 9,
    }
    assert len(FILE.read_text().splitlines()) == 1
    assert editor.post("/api/undo").json()["at"] == 0
    assert FILE.read_text() == ""
    assert editor.post("/api/undo").status_code == 409


def test_triplets_that_are_none(editor: TestClient) -> None:
    good = chosen(editor, 0)
    same = good | {"positive": good["negative"]}
    for bad, status in ((same, 400), (good | {"anchor": "none.png"}, 404), ({}, 404)):
        assert editor.post("/api/triplets", json=bad).status_code == status
    assert not FILE.exists()


def test_an_edit_by_another_program(editor: TestClient) -> None:
    editor.post("/api/triplets", json=chosen(editor, 0))
    line = FILE.read_text()
    FILE.write_text(line * 3)
    assert editor.post("/api/triplets", json=chosen(editor, 1)).status_code == 409
    assert editor.post("/api/undo").status_code == 409
    assert FILE.read_text() == line * 3
    assert editor.post("/api/reload").json()["triplets"] == 3
    assert editor.post("/api/triplets", json=chosen(editor, 1)).json()["triplets"] == 4


def test_what_was_asked_before_comes_last(editor: TestClient) -> None:
    first = chosen(editor, 0)
    editor.post("/api/triplets", json=first)
    with open_triplet_editor(Path("photos.tvx"), FILE) as app, client_of(app) as client:
        assert client.get("/api/about").json()["triplets"] == 1
        anchors = [chosen(client, at)["anchor"] for at in range(9)]
        assert anchors[-1] == first["anchor"]
        assert json.loads(FILE.read_text())["anchor"]["image"].endswith(first["anchor"])


def test_the_least_sure_come_first(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_index(Path("photos.tvx")) as index:
        rows = np.arange(len(index))
        values = margins(index, rows)
        order = references(index, "uncertain", 0, set())
        assert [values[row] for row in order] == sorted(values)
        assert sorted(order) == list(rows)
        assert references(index, "random", 0, set()) != order
        labels = ["a" if row < 5 else "b" for row in rows]
        monkeypatch.setattr(type(index), "labels", property(lambda self: labels))
        told = margins(index, rows)
        for row in rows:
            similar = index.vectors(rows) @ index.vectors(rows)[row]
            same = max(similar[o] for o in rows if o != row and labels[o] == labels[row])
            other = max(similar[o] for o in rows if labels[o] != labels[row])
            assert told[row] == pytest.approx(same - other, abs=1e-5)
