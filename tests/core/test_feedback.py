import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.heads import save_head
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.ranking.held_out import mapped
from tvcli.core.ranking.rank import load_rank
from tvcli.core.reports import Report
from tvcli.core.searching.feedback import composed, learn_from_feedback, split, write_learned

Tv = Callable[..., Ran]
MADE = {"command": ["tv"], "inputs": []}


@pytest.fixture
def index(tv: Tv, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """Give an index of eight photos."""
    monkeypatch.chdir(photos.parent)
    tv("index", "photos", "-o", "photos.tvx", "--size", 64)
    with open_index(Path("photos.tvx")) as index:
        yield index


def contrary(index: Index) -> Path:
    """Write clicks by which the photos farthest from each are similar, the nearest are not."""
    lines = []
    for row in range(len(index)):
        order = np.argsort(-(index.vectors(slice(None)) @ index.vectors(np.array([row]))[0]))
        near = [other for other in order if other != row]
        query = f"photos/{index.images[row]}"
        for other, relevant in [(o, False) for o in near[:2]] + [(o, True) for o in near[-2:]]:
            image = f"photos/{index.images[other]}"
            lines.append(json.dumps({"query": query, "image": image, "relevant": relevant}))
    Path("clicks.jsonl").write_text("\n".join(lines[:4]) + "\n")
    return Path("clicks.jsonl")


def test_learning_turns_the_order(index: Index) -> None:
    clicks = contrary(index)
    learned = learn_from_feedback(index, clicks, Report())
    assert (learned.train, learned.held_out) == (4, 1)
    assert learned.before == 0
    lines = [json.loads(line) for line in clicks.read_text().splitlines()]
    said = {line["relevant"]: Path(line["image"]).name for line in reversed(lines)}

    def gap(vectors: np.ndarray) -> float:
        by_name = {Path(i).name: v for i, v in zip(index.images, vectors, strict=True)}
        return float(by_name["0.png"] @ (by_name[said[True]] - by_name[said[False]]))

    before = index.vectors(slice(None))
    after = mapped(before, learned.weight)
    assert gap(before) < 0
    assert gap(after) > gap(before) + 0.05
    again = learn_from_feedback(index, clicks, Report())
    assert np.array_equal(again.weight, learned.weight)


def test_what_was_changed_meanwhile_is_not_lost(tv: Tv, index: Index) -> None:
    learned = learn_from_feedback(index, contrary(index), Report())
    assert tv("index", "--remove", index.images[0], "-o", index.path).status == 0
    with pytest.raises(BadInput, match="was changed since it was opened"):
        write_learned(index, learned, index.path, MADE)
    with open_index(index.path) as now:
        assert len(now) == len(index) - 1


def test_an_index_with_what_was_learned(tv: Tv, index: Index) -> None:
    learned = learn_from_feedback(index, contrary(index), Report())
    write_learned(index, learned, Path("learned.tvx"), MADE)
    save_head(Path("rank.h5"), composed(index, learned), MADE)
    tv("encode", "photos", "-o", "photos.h5", "--size", 64)
    assert tv("index", "photos.h5", "--rank", "rank.h5", "-o", "same.tvx").status == 0
    with open_index(Path("learned.tvx")) as own, open_index(Path("same.tvx")) as same:
        assert own.rank_file is not None
        assert np.allclose(own.vectors(slice(None)), same.vectors(slice(None)), atol=4e-3)
        found = tv("search", "photos/0.png", "-i", "learned.tvx", "-k", 1, "--format", "paths").out
        assert found == "photos/0.png\n"
        twice = learn_from_feedback(own, contrary(own), Report())
        expected = twice.weight @ load_rank(own.rank_file).weight
        assert np.allclose(composed(own, twice).state["weight"], expected, atol=1e-5)


def test_an_index_replaces_itself(index: Index) -> None:
    learned = learn_from_feedback(index, contrary(index), Report())
    before = index.vectors(slice(None))
    write_learned(index, learned, Path("photos.tvx"), MADE)
    with open_index(Path("photos.tvx")) as now:
        assert now.images == index.images
        assert now.root == index.root
        expected = mapped(before, learned.weight)
        assert np.allclose(now.vectors(slice(None)), expected, atol=2e-3)


def test_what_is_held_out_was_not_learned_from() -> None:
    few = np.array([[0, p, n] for p in (1, 2, 3) for n in (4, 5)])
    train, test = split(few, 0)
    assert len(train) == 2
    assert len(test) == 1
    assert not set(train[:, 1:].ravel()) & set(test[:, 1:].ravel())
    many = np.array([[a, a + 1, a + 2] for a in range(0, 60, 3)])
    train, test = split(many, 0)
    assert (len(train), len(test)) == (15, 5)
    assert not set(train.ravel()) & set(test.ravel())


def test_clicks_that_make_no_triplet(index: Index) -> None:
    Path("clicks.jsonl").write_text('{"query": "photos/0.png", "image": "x", "relevant": true}\n')
    with pytest.raises(UsageError, match="yes"):
        learn_from_feedback(index, Path("clicks.jsonl"), Report())
