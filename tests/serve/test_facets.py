"""Filters of the gallery: they go with browsing and with any search."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran
from pages import client_of
from starlette.testclient import TestClient

from tvcli.core.engines.condition_grammar import parse_condition
from tvcli.core.engines.conditions import Comparison, Or
from tvcli.serve.facets import conditions
from tvcli.serve.pages import open_gallery

LABELS = {"0.png": "a", "1.png": "it's", "2.png": "a", "inner/6.png": "b", "inner/7.png": "a"}


@pytest.fixture
def labelled(tv: Callable[..., Ran], collection: Path) -> Any:
    lines = [
        f'{{"image": "photos/{name}", "label": "{label}"}}\n' for name, label in LABELS.items()
    ]
    Path("records.jsonl").write_text("".join(lines))
    assert tv("index", "records.jsonl", "-o", "few.tvx", "--size", 64).status == 0
    with open_gallery([Path("few.tvx")], None) as app, client_of(app) as client:
        yield client


def images(items: list[dict[str, Any]]) -> list[str]:
    return [str(Path(item["image"]).relative_to("photos")) for item in items]


def listed(client: TestClient, query: str) -> list[str]:
    return images(client.get(f"/api/items?{query}").json()["items"])


def test_what_can_be_filtered_by(labelled: TestClient) -> None:
    all_of_it = labelled.get("/api/facets").json()
    assert all_of_it["labels"] == [["a", 3], ["b", 1], ["it's", 1]]
    assert [count for name, count in all_of_it["folders"] if name.endswith("inner")] == [2]
    (inner,) = [name for name, _ in all_of_it["folders"] if name.endswith("inner")]
    inside = labelled.get("/api/facets", params={"folder": inner}).json()
    assert inside["labels"] == [["a", 1], ["b", 1]]
    some = labelled.get("/api/facets", params={"label": "it's"}).json()
    assert inner not in dict(some["folders"])
    assert listed(labelled, "label=a&label=b") == ["0.png", "2.png", "inner/6.png", "inner/7.png"]
    assert listed(labelled, f"label=a&folder={inner}") == ["inner/7.png"]
    assert listed(labelled, "label=a&text=inner") == ["inner/7.png"]
    assert listed(labelled, "sort=label") == [
        "0.png", "2.png", "inner/7.png", "inner/6.png", "1.png",
    ]  # fmt: skip


def test_filters_combine_with_a_search(labelled: TestClient) -> None:
    wanted = {"item": "#1", "k": 9}
    everything = labelled.post("/api/search", json=wanted).json()["hits"]
    some = labelled.post("/api/search", json=wanted | {"label": ["a", "it's"]}).json()["hits"]
    kept = [hit for hit in everything if hit["label"] != "b"]
    assert [(h["row"], h["similarity"]) for h in some] == [
        (h["row"], h["similarity"]) for h in kept
    ]
    least = everything[2]["similarity"] - 1e-5
    near = labelled.post("/api/search", json=wanted | {"min_score": least}).json()["hits"]
    assert [hit["row"] for hit in near] == [hit["row"] for hit in everything[:3]]
    for wrong in ("a", [1], [""]):
        assert labelled.post("/api/search", json=wanted | {"label": wrong}).status_code == 400


def test_any_name_is_a_condition() -> None:
    """Quotes and words of the grammar are text: a label may be anybody's."""
    labels = ["it's", "a) or image^=('", "and", ' "x" ', ""]
    for label in labels:
        (text,) = conditions([label], [])
        assert parse_condition(text) == Comparison("label", "=", label)
    (text,) = conditions([], ["a b", "c'd"])
    assert parse_condition(text) == Or(
        (Comparison("image", "^=", "a b/"), Comparison("image", "^=", "c'd/"))
    )
