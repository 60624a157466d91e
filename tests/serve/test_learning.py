import shutil
from pathlib import Path
from typing import Any

import pytest
from pages import client_of
from starlette.testclient import TestClient

from tvcli.core.files.provenance import file_hash
from tvcli.core.indexes.index import open_index
from tvcli.serve.pages import open_gallery

SAID = {"item": "0.png", "like": ["5.png", "4.png"], "unlike": ["1.png", "2.png"]}


def learned(client: TestClient) -> dict[str, Any]:
    assert client.post("/api/clicks", json=SAID).status_code == 200
    assert client.post("/api/learn").json()["state"] in ("running", "ready")
    while (state := client.get("/api/learn").json())["state"] == "running":
        pass
    result: dict[str, Any] = state
    return result


def hits(client: TestClient, **more: Any) -> list[Any]:
    answer = client.post("/api/search", json={"item": "0.png", **more})
    assert answer.status_code == 200, answer.text
    return [(hit["key"], hit["similarity"]) for hit in answer.json()["hits"]]


def check_same(own: list[Any], others: list[Any]) -> None:
    """See that hits are the same, up to how float16 rounds the rows that are kept."""
    assert [key for key, _ in own] == [key for key, _ in others]
    assert [value for _, value in own] == pytest.approx([value for _, value in others], abs=1e-4)


def test_learn_try_and_discard(gallery: TestClient) -> None:
    before = hits(gallery)
    state = learned(gallery)
    assert (state["state"], state["train"], state["held_out"]) == ("ready", 4, 1)
    assert 0 <= state["before"] <= 1
    tried = hits(gallery, learned=True)
    assert tried != before
    assert {key for key, _ in tried} == {key for key, _ in before}
    assert hits(gallery) == before
    assert gallery.post("/api/learn/discard").json() == {"state": "idle"}
    body = {"item": "0.png", "learned": True}
    assert gallery.post("/api/search", json=body).status_code == 409
    assert gallery.post("/api/learn/keep").status_code == 409
    assert not Path("photos.rank.h5").exists()


def test_learn_and_keep(gallery: TestClient) -> None:
    learned(gallery)
    tried = hits(gallery, learned=True)
    assert gallery.post("/api/learn/keep").json() == {
        "state": "kept",
        "file": "photos.rank.h5",
        "before": "photos.before-learning.tvx",
    }
    check_same(hits(gallery), tried)
    assert gallery.get("/pictures/0").status_code == 200
    with open_index(Path("photos.tvx")) as index:
        assert index.rank_file is not None
    with open_gallery([Path("photos.tvx")], None) as app, client_of(app) as client:
        check_same(hits(client), tried)
        assert learned(client)["state"] == "ready"  # learned on top of what was learned


@pytest.mark.usefixtures("collection")
def test_nothing_to_learn_from(gallery: TestClient) -> None:
    gallery.post("/api/learn")
    while (state := gallery.get("/api/learn").json())["state"] == "running":
        pass
    assert state["state"] == "failed"
    assert "no" in state["error"]


def test_the_index_is_whole_whatever_happens(gallery: TestClient, collection: Path) -> None:
    learned(gallery)
    shutil.rmtree("photos.tvx")
    answer = gallery.post("/api/learn/keep")
    assert answer.status_code in (200, 404, 500)


def test_keep_and_undo(gallery: TestClient) -> None:
    before, files = hits(gallery), sorted(path.name for path in Path("photos.tvx").iterdir())
    assert gallery.post("/api/learn/undo").status_code == 409
    learned(gallery)
    kept = gallery.post("/api/learn/keep").json()
    assert kept["before"] == "photos.before-learning.tvx"
    assert hits(gallery) != before
    with open_gallery([Path(kept["before"])], None) as app, client_of(app) as client:
        assert hits(client) == before  # an index like any other
    assert gallery.post("/api/learn/undo").json() == {"state": "undone"}
    assert hits(gallery) == before
    assert not Path("photos.rank.h5").exists()
    assert not Path(kept["before"]).exists()
    assert sorted(path.name for path in Path("photos.tvx").iterdir()) == files
    assert gallery.post("/api/learn/undo").status_code == 409


def test_undo_what_was_learned_on_top(gallery: TestClient) -> None:
    """The head beside the index is again the one that the index has."""
    learned(gallery)
    gallery.post("/api/learn/keep")
    once = hits(gallery)
    more = {"item": "3.png", "like": ["1.png", "2.png"], "unlike": ["5.png", "4.png"]}
    assert gallery.post("/api/clicks", json=more).status_code == 200
    learned(gallery)
    gallery.post("/api/learn/keep")
    assert hits(gallery) != once
    gallery.post("/api/learn/undo")
    assert hits(gallery) == once
    with open_index(Path("photos.tvx")) as index:
        assert index.rank_file is not None
        assert file_hash(Path("photos.rank.h5")) == file_hash(index.rank_file)


def test_a_folder_of_ones_own_is_not_written_over(gallery: TestClient) -> None:
    learned(gallery)
    before = hits(gallery)
    Path("photos.before-learning.tvx").mkdir()
    Path("photos.before-learning.tvx/mine").write_text("mine")
    answer = gallery.post("/api/learn/keep")
    assert (answer.status_code, "no index" in answer.json()["error"]) == (404, True)
    assert hits(gallery) == before
    assert Path("photos.before-learning.tvx/mine").read_text() == "mine"
