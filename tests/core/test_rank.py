"""The rank head, its loss and its training on made-up maps; tolerance 1e-5 unless told."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tvcli.core.errors import Mismatch, UsageError
from tvcli.core.files.artifacts import open_artifact, write_artifact
from tvcli.core.images.arrays import unit
from tvcli.core.ranking import held_out
from tvcli.core.ranking.closed_form import Taught, principal_axes, start_head
from tvcli.core.ranking.held_out import HeldOut, mapped, searched
from tvcli.core.ranking.losses import TEMPERATURE, triplet_hinge_loss
from tvcli.core.ranking.pooled_rows import Encodings, VectorRows
from tvcli.core.ranking.rank_training import RankData, RankSettings, train_rank
from tvcli.core.ranking.refining import (
    BATCH,
    LEARNING_RATE,
    HingeSettings,
    loss_of_head,
    pairs_of,
    refine,
)
from tvcli.core.reports import Report
from tvcli.core.searching.evaluation import verdict

CLASSES, PER_CLASS, CHANNELS = 6, 8, 16


@pytest.fixture
def maps(tmp_path: Path) -> Iterator[Encodings]:
    """Classes that differ in three channels; the other thirteen are loud noise."""
    rng = np.random.default_rng(0)
    centres = np.array([[number >> bit & 1 for bit in range(3)] for number in range(1, 7)])
    values = rng.uniform(0, 1.5, (CLASSES * PER_CLASS, CHANNELS, 5, 5))
    values[:, 3:] *= rng.uniform(0, 1.5, (CLASSES * PER_CLASS, CHANNELS - 3, 1, 1))
    labels = np.arange(len(values)) % CLASSES
    values[:, :3] = centres[labels][:, :, None, None] + rng.uniform(0, 0.1, (len(values), 3, 5, 5))
    columns = {
        "encodings": values,
        "image": [f"{row}.jpg" for row in range(len(values))],
        "region": [(0, 0, 5, 5)] * len(values),
        "digest": [""] * len(values),
    }
    with write_artifact(tmp_path / "maps.h5", "encodings", {}, {}) as writer:
        writer.append(columns)
    with open_artifact(tmp_path / "maps.h5", "encodings") as file:
        yield Encodings([file])


def data(maps: Encodings, *, labelled: bool = True) -> RankData:
    rng = np.random.default_rng(1)
    labels = np.arange(len(maps)) % CLASSES
    test = np.arange(len(maps)) >= CLASSES * (PER_CLASS - 2)
    triplets: dict[bool, list[list[int]]] = {False: [], True: []}
    for anchor in range(len(maps)):
        side = np.flatnonzero(test == test[anchor])
        same = side[(labels[side] == labels[anchor]) & (side != anchor)]
        other = side[labels[side] != labels[anchor]]
        for _ in range(4):
            triplets[bool(test[anchor])].append([anchor, rng.choice(same), rng.choice(other)])
    known = labels if labelled else np.full(len(maps), -1)
    return RankData(maps, np.array(triplets[False]), np.array(triplets[True]), known)


def test_the_projection_starts_as_pca_and_keeps_what_it_can() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(50, 3)) @ rng.normal(size=(3, 8))).astype(np.float32)
    axes = principal_axes(vectors, 3)  # the vectors lie in three dimensions: nothing is lost
    assert axes.shape == (3, 8)
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-5)
    own, mapped_ones = unit(vectors), mapped(vectors, axes)
    assert np.allclose(mapped_ones @ mapped_ones.T, own @ own.T, atol=1e-4)
    with pytest.raises(UsageError, match="--dim 9: at most 8"):
        empty = np.empty((0, 3), np.intp)
        start_head(Taught(vectors, np.zeros(50, np.intp), empty), "identity", 1, 9, 8)


def test_the_loss_has_the_sign_of_the_design() -> None:
    similarities = np.array([[0.0, 0.9, 0.3]], np.float32)
    positive, negative = np.array([[False, True, False]]), np.array([[False, False, True]])
    loss, gradient = triplet_hinge_loss(similarities, positive, negative, 0.1)
    assert (loss, gradient.any()) == (0, False)  # in order: costs nothing
    wrong, gradient = triplet_hinge_loss(similarities, negative, positive, 0.1)
    assert wrong == pytest.approx(0.1 - 0.3 + 0.9)
    assert gradient.tolist() == [[0, 1, -1]]  # less of the negative, more of the positive


def test_the_loss_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    similarities = rng.uniform(-1, 1, (6, 6)).astype(np.float32)
    labels = np.array([0, 0, 1, 1, 2, 2])
    positives = (labels[:, None] == labels) & ~np.eye(6, dtype=bool)
    negatives = labels[:, None] != labels
    costs = []
    for anchor in range(6):
        against = [float(similarities[anchor, n]) for n in range(6) if negatives[anchor, n]]
        hardest = TEMPERATURE * np.log(np.sum(np.exp(np.array(against) / TEMPERATURE)))
        assert hardest >= max(against)
        for other in range(6):
            if positives[anchor, other]:
                costs.append(max(0.0, 0.1 - float(similarities[anchor, other]) + hardest))
    expected = sum(costs) / sum(cost > 0 for cost in costs)
    found, _ = triplet_hinge_loss(similarities, positives, negatives, 0.1)
    assert found == pytest.approx(expected, rel=1e-5)


def in_torch(
    weight: torch.Tensor, vectors: torch.Tensor, pairs: tuple[np.ndarray, np.ndarray]
) -> torch.Tensor:
    """Return the same loss by torch, which derives its gradient by itself."""
    positives, negatives = (torch.from_numpy(mask) for mask in pairs)
    mapped_ones = F.normalize(vectors @ weight.T, dim=1)
    similarities = mapped_ones @ mapped_ones.T
    masked = similarities.masked_fill(~negatives, -torch.inf) / TEMPERATURE
    costs = F.relu(0.1 - similarities + masked.logsumexp(dim=1, keepdim=True) * TEMPERATURE)
    costs = costs[positives]
    return costs.sum() / (costs > 0).sum().clamp(min=1)


@pytest.mark.parametrize("labelled", [True, False])
def test_the_gradient_is_that_of_autograd(labelled: bool) -> None:
    """Within 1e-5 of the largest value: float32."""
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(36, 12)).astype(np.float32))
    labels = np.arange(36) % 3 if labelled else np.full(36, -1)
    pairs = pairs_of(np.arange(36), labels)
    weight = rng.normal(size=(7, 12)).astype(np.float32)
    loss, gradient = loss_of_head(weight, vectors, pairs, 0.1)
    asked = torch.from_numpy(weight.copy()).requires_grad_()
    expected = in_torch(asked, torch.from_numpy(vectors), pairs)
    expected.backward()
    assert asked.grad is not None
    assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
    largest = float(asked.grad.abs().max())
    assert largest > 0.01
    assert np.allclose(gradient, asked.grad.numpy(), atol=1e-5 * largest)


def test_steps_are_those_of_torchs_adam_with_a_cosine() -> None:
    """On the same batches, within 1e-4 of what the steps changed: float32, over 40 of them."""
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(60, 8)).astype(np.float32))
    triplets = np.array([rng.permutation(60)[:3] for _ in range(200)])
    taught = Taught(vectors, np.full(60, -1), triplets)
    start = np.eye(8, dtype=np.float32)
    found = refine(taught, start, HingeSettings(0.1, 0.3, 40, 5, 60), Report())
    head = torch.eye(8).requires_grad_()
    optimizer = torch.optim.Adam([head], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    batches = np.random.default_rng(5)
    for _ in range(40):
        rows = triplets[batches.integers(200, size=BATCH)].T.ravel()
        loss = in_torch(head, torch.from_numpy(vectors[rows]), pairs_of(rows, taught.labels))
        optimizer.zero_grad()
        (loss + 0.3 * (head - torch.eye(8)).square().sum() / 8).backward()
        optimizer.step()
        schedule.step()
    expected = head.detach().numpy()
    changed = float(np.abs(expected - start).max())
    assert found.steps == 40
    assert changed > 0.01
    assert np.allclose(found.weight, expected, atol=1e-4 * changed)


def test_pairs_of_a_batch_are_its_own_and_what_labels_tell() -> None:
    rows, unknown = np.array([0, 1, 2, 3, 4, 5]), np.full(6, -1)  # triplets (0, 2, 4), (1, 3, 5)
    positives, negatives = pairs_of(rows, unknown)
    assert np.argwhere(positives).tolist() == [[0, 2], [1, 3]]
    assert np.argwhere(negatives).tolist() == [[0, 4], [1, 5]]
    positives, negatives = pairs_of(rows, np.array([0, 1, 0, 1, 1, 0]))
    assert positives[0].tolist() == [False, False, True, False, False, True]
    assert negatives[0].tolist() == [False, True, False, True, True, False]


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("dim", [None, 8])
def test_training_orders_what_noise_had_drowned(
    maps: Encodings, labelled: bool, dim: int | None
) -> None:
    settings = RankSettings(pools=("mean",), dim=dim, steps=180, hold=0)
    trained = train_rank(data(maps, labelled=labelled), settings, Report())
    assert trained.after["triplet accuracy"] > trained.before["triplet accuracy"]
    assert ("hit@1" in trained.after) == labelled
    assert trained.weight.shape == (dim or CHANNELS, CHANNELS)


def test_the_same_seed_gives_the_same_head_and_another_another(maps: Encodings) -> None:
    short = [
        RankSettings(pools=("mean",), start="identity", steps=30, seed=seed) for seed in (3, 3, 4)
    ]
    one, same, other = (train_rank(data(maps), each, Report()).weight for each in short)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_head_is_the_same_however_many_cores_there_are(
    maps: Encodings, labelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tvcli.core.ranking.held_out.QUERIES_AT_ONCE", 3)
    monkeypatch.setattr("tvcli.core.ranking.pooled_rows.POOLED_AT_ONCE", 2000)
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr("tvcli.core.ranking.rank_training.cores", lambda count=count: count)
        settings = RankSettings(pools=("mean", "gem"), steps=60)
        found.append(train_rank(data(maps, labelled=labelled), settings, Report()))
    for other in found[1:]:
        assert np.array_equal(found[0].weight, other.weight)
        assert (found[0].start, found[0].steps) == (other.start, other.steps)
        assert (found[0].before, found[0].after) == (other.before, other.after)


def test_where_nothing_can_be_held_out_every_step_is_made(maps: Encodings) -> None:
    whole = data(maps)
    few = RankData(maps, whole.train[:3], np.empty((0, 3), np.intp), np.full(len(maps), -1))
    trained = train_rank(few, RankSettings(pools=("mean",), steps=60), Report())
    assert (trained.before, trained.steps, trained.start.title) == ({}, 60, "blend 0.5")


def test_maps_too_many_to_keep_are_read_batch_by_batch(
    maps: Encodings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.array([5, 3, 5, 40])
    monkeypatch.setattr("tvcli.core.ranking.pooled_rows.IN_MEMORY", 0)
    from_file = Encodings(maps._files)
    assert np.array_equal(from_file[rows], maps[rows])
    assert np.allclose(from_file.pooled(rows, "gem"), maps.pooled(rows, "gem"))


def test_encodings_of_two_sizes_do_not_mix(maps: Encodings, tmp_path: Path) -> None:
    columns = {
        "encodings": np.ones((1, CHANNELS, 4, 4)),
        "image": ["x"],
        "region": [(0, 0, 5, 5)],
        "digest": [""],
    }
    with write_artifact(tmp_path / "small.h5", "encodings", {}, {}) as writer:
        writer.append(columns)
    with (
        open_artifact(tmp_path / "small.h5", "encodings") as small,
        pytest.raises(Mismatch, match="--size"),
    ):
        Encodings([*maps._files, small])


def test_others_are_searched_among_themselves() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.arange(30) % 3
    found = searched(vectors, labels, np.arange(30))
    for place, (hit, average) in enumerate(found):
        order = [row for row in np.argsort(-(vectors @ vectors[place])) if row != place]
        right = [labels[row] == labels[place] for row in order]
        precisions = [sum(right[: n + 1]) / (n + 1) for n in range(len(right)) if right[n]]
        assert hit == right[0]
        assert average == pytest.approx(np.mean(precisions))


def test_held_out_figures_against_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of vectors that were pooled for the training and of others, searched with some of many."""
    monkeypatch.setattr(held_out, "MOST_QUERIES", 4)
    random = np.random.default_rng(0)
    vectors = unit(random.normal(size=(40, 6)).astype(np.float32))
    weight = random.normal(size=(5, 6)).astype(np.float32)
    labels = np.where(np.arange(40) < 30, np.arange(40) % 3, -1)
    classes = np.where(np.arange(40) < 30, labels, 3 + np.arange(40) % 2)
    train = np.array([(n, n + 3, n + 1) for n in range(0, 18)])
    test = np.array([(n, n + 3, n + 1) for n in range(22, 27)])
    own = HeldOut(train, test, labels, None, classes)
    taught = {"gem": vectors[np.unique(train)]}
    asked_of = own.vectors(VectorRows(vectors), taught, ["gem"])["gem"]
    found = own.figures(asked_of), own.figures(asked_of.mapped(weight))
    assert own.said() == (
        "5 held-out photos of 3 classes, searched with 4; "
        "4 photos of 2 other classes, which were not taught"
    )
    rows = np.union1d(train, test)
    asked = (22, 23, 24, 26)  # of 22 to 26 four, evenly spread
    for figures, by in zip(found, (vectors, unit(vectors @ weight.T)), strict=True):
        right = [by[a] @ by[p] > by[a] @ by[n] for a, p, n in test]
        assert figures["triplet accuracy"] == np.mean(right)
        hits = []
        for query in asked:
            others = [row for row in rows if row != query]
            first = max(others, key=lambda row: by[query] @ by[row])
            hits.append(labels[first] == labels[query])
        assert figures["hit@1"] == np.mean(hits)
        assert set(figures) > {"mAP", "hit@1 of other classes", "mAP of other classes"}


def test_a_verdict_names_the_better_index() -> None:
    def record(name: str, difference: float, low: float, high: float) -> dict[str, object]:
        return {"metric": name, "difference": difference, "low": low, "high": high}

    said = verdict([record("mAP", 0.1, 0.05, 0.2), record("hit@1", -0.1, -0.2, -0.01)], "a", "b")
    assert said.startswith("b is better than a: mAP is higher by 0.1000 (95 % interval: 0.0500")
    assert said.endswith("but a is better by hit@1")
    assert verdict([record("mAP", -0.1, -0.2, -0.05)], "a", "b") == (
        "a is better than b: mAP is higher by 0.1000 (95 % interval: 0.0500 to 0.2000)"
    )
    assert verdict([record("mAP", 0.1, -0.05, 0.2)], "a", "b").startswith("neither is shown")
