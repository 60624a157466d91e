"""Results: how they print, and how they look in a notebook."""

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import drawn

import tvcli
from tvcli.api.records import Results

HOSTILE = '<img src=x onerror="alert(1)">'


class Tags(HTMLParser):
    """Collects the tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_hits_look_like_hits_in_a_notebook(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(30):
        drawn(number, 64, 48).save(folder / f"{number}{HOSTILE.replace('/', '')}.png")
    tvcli.build_index(folder, tmp_path / "photos.tvx")
    hits = tvcli.open_index(tmp_path / "photos.tvx").search(drawn(1), k=30)
    assert len(hits) == 30
    Path(hits[2].path).unlink()
    for page in (hits._repr_html_(), hits[0]._repr_html_()):
        tags = Tags(page).tags
        images = [attributes for tag, attributes in tags if tag == "img"]
        assert all(re.fullmatch(r"data:image/jpeg;base64,[\w+/=]+", i["src"] or "") for i in images)
        assert {name for i in images for name in i} == {"alt", "src"}
        assert "script" not in {tag for tag, _ in tags}
        assert HOSTILE not in page
    assert len([tag for tag, _ in Tags(hits._repr_html_()).tags if tag == "img"]) == 23
    assert "and 6 more" in hits._repr_html_() and "not found" in hits._repr_html_()


def test_results_print_as_one_reads_them() -> None:
    hit = tvcli.Hit(1, "a.jpg", 0.123456, box=(1.0, 2.0, 3.5, 4.0), label="dress", query="q.jpg")
    assert repr(hit) == (
        "Hit(rank=1, image='a.jpg', similarity=0.1235, box=(1, 2, 3.5, 4), label='dress')"
    )
    hits = tvcli.Hits([hit] * 25, "q.jpg")
    assert repr(hits).splitlines()[0] == "Hits (25)"
    assert repr(hits).splitlines()[-1] == "  ... and 5 more"
    assert hits[:2] == (hit, hit) and hit in hits and list(hits) == [hit] * 25
    with pytest.raises(dataclasses.FrozenInstanceError):
        hit.rank = 2  # type: ignore[misc]


def test_results_compare_and_hash() -> None:
    assert Results([1, 2]) == Results([1, 2]) != Results([2])
    assert hash(Results([1])) == hash(Results([1]))


def test_figures_are_found_by_name() -> None:
    found = tvcli.Evaluation([tvcli.Metric("hit@1", 0.5, 0.4, 0.6)], 10, 2)
    assert found.metric("hit@1").high == 0.6
    with pytest.raises(KeyError, match="hit@1"):
        found.metric("hit@2")
    assert "<td>hit@1</td><td>0.5</td>" in found._repr_html_()
