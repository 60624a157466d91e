"""An install without annoy, which needs a compiler: everything else works, and one line says so."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

from tvcli.core import engines

Tv = Callable[..., Ran]


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "annoy", None)


def test_the_engine_says_what_to_install(photos: Path, tv: Tv, without: None) -> None:
    target = photos.parent / "a.tvx"
    ran = tv("index", photos, "-o", target, "--engine", "annoy")
    assert ran.status == 3
    assert ran.err.count("\n") == 1
    assert "annoy is not installed: pip install 'tvcli[annoy]'" in ran.err
    assert not target.exists()


def test_many_rows_are_searched_exactly(
    photos: Path, tv: Tv, without: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "EXACT_UNTIL", 3)
    target = photos.parent / "a.tvx"
    ran = tv("index", photos, "-o", target)
    assert (ran.status, "annoy" in ran.err) == (0, False)
    assert json.loads((target / "index.json").read_text())["engine"] == "exact"


@pytest.mark.annoy
def test_an_index_with_its_trees_is_searched_exactly_and_says_so_once(
    photos: Path, tv: Tv, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = photos.parent / "a.tvx"
    assert tv("index", photos, "-o", target, "--engine", "annoy").status == 0
    files = {path.name for path in target.iterdir()}
    expected = tv("search", photos, "-i", target)
    assert (expected.status, expected.err) == (0, "")
    monkeypatch.setitem(sys.modules, "annoy", None)
    ran = tv("search", photos, "-i", target)
    assert (ran.status, ran.out) == (0, expected.out)
    assert ran.err.count("annoy is not installed") == 1
    assert "every row is compared instead" in ran.err
    assert {path.name for path in target.iterdir()} == files
