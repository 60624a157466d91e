"""One similarity: that of the card is that of why, whatever was liked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from tvcli.core.images.arrays import unit
from tvcli.core.searching import explaining
from tvcli.core.searching.contributions import explain_refined
from tvcli.core.searching.queries import Query, own_share, refine


@pytest.mark.parametrize(
    "examples",
    [
        {},
        {"like": ["5.png"]},
        {"unlike": ["1.png"]},
        {"like": ["5.png", "4.png"], "unlike": ["1.png"]},
    ],
)
@pytest.mark.parametrize("by", ["item", "file", "region"])
def test_the_number_of_a_card_is_that_of_why(
    gallery: TestClient, monkeypatch: pytest.MonkeyPatch, examples: dict[str, Any], by: str
) -> None:
    titles, draw = [], explaining.draw_rows

    def noting(rows: Any) -> Any:
        titles.extend(title for title, _ in rows)
        return draw(rows)

    monkeypatch.setattr(explaining, "draw_rows", noting)
    wanted: dict[str, Any] = {"item": "3.png", **examples}
    if by == "file":
        data = Path("photos/3.png").read_bytes()
        wanted = {"file": gallery.post("/api/files", content=data).json()["file"], **examples}
    elif by == "region":
        wanted["box"] = [10, 20, 150, 140]
    for hit in gallery.post("/api/search", json={**wanted, "k": 4}).json()["hits"]:
        assert gallery.post("/api/explain", json={**wanted, "row": hit["row"]}).status_code == 200
        assert titles[-1].startswith(f"similarity {hit['similarity']:.3f}:")


def test_what_places_add_is_the_similarity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the hit all of it; of the query what is left of it without the examples."""
    from tvcli.core.encoding.pooling import pool_maps
    from tvcli.core.searching.contributions import Space

    rng = np.random.default_rng(0)
    own, hit, *others = rng.random((6, 8, 3, 3), np.float32)
    vectors = unit(pool_maps(np.stack([own, hit, *others]), "mean"))
    query = Query("own", vectors[0] * 3)
    likes = {"a": vectors[2], "b": vectors[3]}
    for liked, unliked in ((likes, {}), (likes, {"c": vectors[4]}), ({}, {"c": vectors[5]})):
        refined = unit(refine(query, liked, unliked).vector[None])[0]
        share = own_share(query, liked, unliked)
        first, second = explain_refined(own, hit, Space("mean"), refined, share)
        assert second.sum() == pytest.approx(float(vectors[1] @ refined), abs=1e-4)
        assert first.sum() == pytest.approx(share * float(vectors[1] @ vectors[0]), abs=1e-4)
        rest = refined - share * vectors[0]
        spanned = np.stack([*liked.values(), *unliked.values()])
        _, residual, *_ = np.linalg.lstsq(spanned.T, rest, rcond=None)
        assert residual.size == 0 or residual.max() < 1e-6  # examples alone make up the rest
    assert own_share(query, {}, {}) == 1
