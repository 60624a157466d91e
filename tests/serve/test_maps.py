"""The map's part of the HTTP interface."""

import time
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from tvcli.core.layouts import layout
from tvcli.serve import maps


def made(client: TestClient, **asked: str) -> dict[str, Any]:
    for _ in range(500):
        answer: dict[str, Any] = client.get("/api/map", params=asked).json()
        if answer["state"] != "computing":
            return answer
        time.sleep(0.02)
    raise AssertionError("not made in time")


def test_a_layout_and_that_it_is_known(gallery: TestClient) -> None:
    found = made(gallery)
    assert (found["state"], found["rows"], found["step"]) == ("ready", 9, 1)
    assert len(found["x"]) == len(found["y"]) == 9
    assert max(np.ptp(found[axis]) for axis in "xy") == maps.SIDE  # the longer side
    assert set(found["x"]) | set(found["y"]) <= set(range(maps.SIDE + 1))
    assert 0 < found["explained"][1] <= found["explained"][0] < 1
    assert found["folder"]["names"] == ["inner"]
    assert sorted(found["folder"]["of"]) == [-1] * 7 + [0, 0]
    assert found["label"] == {"names": [], "of": [-1] * 9}
    known = made(gallery, known=found["id"])
    assert known["state"] == "known" and "x" not in known
    assert made(gallery, known="another")["state"] == "ready"


def test_a_method_that_is_not_there_says_so_each_time(gallery: TestClient) -> None:
    for _ in range(2):
        answer = made(gallery, layout="sammon")
        assert answer["state"] == "failed"
        assert "layouts are pca and umap" in answer["error"]
    assert gallery.get("/api/map", params={"index": 3}).status_code == 400


def test_of_many_rows_some_are_shown(gallery: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST", 4)
    found = made(gallery)
    assert (found["step"], len(found["x"]), found["rows"]) == (3, 3, 9)


def test_rows_that_filters_leave(gallery: TestClient) -> None:
    assert gallery.get("/api/rows").json() == {"rows": list(range(9))}
    inner = gallery.get("/api/items", params={"text": "inner", "limit": 9}).json()["items"]
    rows = gallery.get("/api/rows", params={"text": "INNER"}).json()["rows"]
    assert rows == [item["row"] for item in inner] and len(rows) == 2


def test_photos_that_are_alike_lie_together(gallery: TestClient) -> None:
    found = made(gallery)
    places = np.stack([found["x"], found["y"]], 1)
    hits = gallery.post("/api/search", json={"item": "#0", "k": 8, "without_query": True}).json()[
        "hits"
    ]
    far = np.linalg.norm(places - places[0], axis=1)
    near = far[[hit["row"] for hit in hits[:3]]].mean()
    assert near < far[[hit["row"] for hit in hits[-3:]]].mean()
