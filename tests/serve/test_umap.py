"""UMAP itself, which is compiled when it is first used: all that uses it, in one process."""

import time

import numpy as np
import pytest
from starlette.testclient import TestClient

from tvcli.core.layouts.neighbourly import umap_points

pytest.importorskip("umap", reason="umap-learn is not installed: extra umap")


def test_umap_keeps_neighbours_the_same_way_each_time() -> None:
    random = np.random.default_rng(1)
    centres = np.eye(3, 8)
    rows = (centres.repeat(12, 0) + random.normal(size=(36, 8)) * 0.05).astype(np.float32)
    start = rows[:, :2]
    points = umap_points(rows, start)
    assert np.array_equal(points, umap_points(rows, start))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(1) // 12 == np.arange(36) // 12).all()


def test_the_gallery_is_laid_out_by_it(gallery: TestClient) -> None:
    answers = {}
    for method in ("umap", "pca"):
        asked = {"layout": method}
        deadline = time.monotonic() + 240  # numba compiles
        while (answer := gallery.get("/api/map", params=asked).json())["state"] == "computing":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (answer["state"], answer["layouts"], len(answer["x"])) == (
            "ready",
            ["pca", "umap"],
            9,
        )
        answers[method] = answer
    assert answers["umap"]["explained"] is None
    assert answers["umap"]["x"] != answers["pca"]["x"]
