"""Figures of retrieval against scikit-learn and against plain loops; float64, tolerance 1e-9."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import average_precision_score, precision_recall_curve, top_k_accuracy_score

from tvcli.core.ranking.metrics import (
    BINS,
    PairCounts,
    bootstrap,
    names_of,
    query_figures,
    relevant_ranks,
)
from tvcli.core.searching.evaluation import order_share

KS = [1, 5, 10]


def cases() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(40):
        count = int(rng.integers(12, 60))
        relevant = np.sort(rng.choice(count, int(rng.integers(1, 10)), replace=False))
        made.append((rng.permutation(count).astype(np.float32) / 100, relevant))
    return made


def test_average_precision_is_that_of_scikit_learn() -> None:
    for similarities, relevant in cases():
        truth = np.isin(np.arange(len(similarities)), relevant)
        ours = query_figures(relevant_ranks(similarities, relevant), KS)[-2]
        assert ours == pytest.approx(average_precision_score(truth, similarities), abs=1e-9)


def test_hit_at_k_is_scikit_learns_top_k_accuracy_where_one_is_relevant() -> None:
    rng = np.random.default_rng(1)
    scores = rng.permuted(np.tile(np.arange(20), (50, 1)), axis=1).astype(np.float32)
    truth = rng.integers(20, size=50)
    figures = np.array(
        [
            query_figures(relevant_ranks(row, np.array([right])), KS)
            for row, right in zip(scores, truth, strict=True)
        ]
    )
    for place, k in enumerate(KS):
        expected = top_k_accuracy_score(truth, scores, k=k, labels=np.arange(20))
        assert figures[:, place].mean() == pytest.approx(expected)


def test_recall_precision_and_reciprocal_rank_against_a_loop() -> None:
    for similarities, relevant in cases():
        order = sorted(range(len(similarities)), key=lambda row: (-similarities[row], row))
        figures = dict(
            zip(
                names_of(KS), query_figures(relevant_ranks(similarities, relevant), KS), strict=True
            )
        )
        for k in KS:
            found = sum(row in relevant for row in order[:k])
            assert figures[f"hit@{k}"] == (found > 0)
            assert figures[f"recall@{k}"] == pytest.approx(found / len(relevant))
            assert figures[f"precision@{k}"] == pytest.approx(found / k)
        first = next(rank for rank, row in enumerate(order, 1) if row in relevant)
        assert figures["MRR"] == pytest.approx(1 / first)


def test_ties_rank_by_row_and_what_is_left_out_ranks_nowhere() -> None:
    similarities = np.array([0.5, 0.9, 0.5, 0.5, -np.inf], np.float32)
    assert relevant_ranks(similarities, np.array([2, 3])).tolist() == [3, 4]
    assert relevant_ranks(similarities, np.array([0])).tolist() == [2]


def test_the_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    values = np.random.default_rng(0).random((2000, 1))
    low, high = bootstrap(values)
    assert low[0] < values.mean() < high[0]
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * values.std() / 2000**0.5, rel=0.1)
    few_low, few_high = bootstrap(values[:50])
    assert few_high[0] - few_low[0] > 3 * (high[0] - low[0])
    assert bootstrap(values)[0] == low


def test_the_interval_is_that_of_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).beta(0.5, 0.5, 300)
    low, high = bootstrap(values[:, None])
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    # Both resample at random: their bounds differ by a few hundredths of the interval's width.
    assert low[0] == pytest.approx(theirs.low, abs=0.1 * (theirs.high - theirs.low))
    assert high[0] == pytest.approx(theirs.high, abs=0.1 * (theirs.high - theirs.low))


def test_triplets_in_order_are_those_without_loss_in_torch() -> None:
    random = torch.Generator().manual_seed(0)
    anchor, positive, negative = (torch.randn(500, 8, generator=random) for _ in range(3))
    cosine = torch.nn.functional.cosine_similarity
    loss = torch.nn.functional.triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: 1 - cosine(a, b),
        margin=1e-7,
        reduction="none",
    )
    share = order_share(cosine(anchor, positive).numpy(), cosine(anchor, negative).numpy())
    assert 0.3 < share.mean() < 0.7
    assert (share == (loss == 0).double().numpy()).all()


def test_the_cut_off_is_that_of_the_best_f1() -> None:
    rng = np.random.default_rng(2)
    related, unrelated = rng.normal(0.6, 0.15, 300), rng.normal(0.2, 0.15, 3000)
    similarities = np.clip(np.concatenate([related, unrelated]), -1, 0.999).astype(np.float32)
    pairs = PairCounts()
    pairs.add(similarities, np.arange(300))
    precision, recall, cuts = precision_recall_curve(np.arange(3300) < 300, similarities)
    f1 = 2 * precision * recall / (precision + recall)
    best = int(f1.argmax())
    cutoff = pairs.cutoff()
    assert cutoff.similarity == pytest.approx(cuts[best], abs=4 / BINS + 0.02)
    assert 2 * cutoff.precision * cutoff.recall / (
        cutoff.precision + cutoff.recall
    ) == pytest.approx(f1[best], abs=0.005)


def test_pairs_of_many_queries_are_those_of_each() -> None:
    rng = np.random.default_rng(0)
    similarities = rng.uniform(-1, 1, (7, 50)).astype(np.float32)
    similarities[np.arange(7), np.arange(7)] = -np.inf
    related = rng.random((7, 50)) < 0.3
    every, one = PairCounts(), PairCounts()
    every.add_all(similarities, related)
    for row, own in zip(similarities, related, strict=True):
        one.add(row, np.flatnonzero(own & (row > -np.inf)))
    assert (every.related == one.related).all()
    assert (every.unrelated == one.unrelated).all()
    assert every.related.sum() + every.unrelated.sum() == 7 * 49


def test_pairs_left_out_are_not_counted() -> None:
    pairs = PairCounts()
    pairs.add(np.array([0.9, -np.inf, 0.1, 1.0], np.float32), np.array([0]))
    assert (pairs.related.sum(), pairs.unrelated.sum()) == (1, 2)
