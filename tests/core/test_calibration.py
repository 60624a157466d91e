"""Probabilities of similarities against scikit-learn, and how true they are on other pairs."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from tvcli.core.errors import UsageError
from tvcli.core.images.arrays import unit
from tvcli.core.ranking.calibration import (
    CALIBRATION,
    Calibration,
    calibrate,
    calibration_of,
    reliability,
)
from tvcli.core.ranking.metrics import BINS, PairCounts
from tvcli.core.ranking.pooled_rows import VectorRows
from tvcli.core.ranking.rank_training import RankData, RankSettings, train_rank
from tvcli.core.reports import Report


def drawn(seed: int, queries: int = 40, gallery: int = 400) -> PairCounts:
    """Draw pairs that belong together with probability 1 / (1 + exp(-12 (s - 0.6)))."""
    rng, pairs = np.random.default_rng(seed), PairCounts()
    for _ in range(queries):
        similarities = rng.uniform(-0.2, 1, gallery).astype(np.float32)
        belongs = rng.random(gallery) < 1 / (1 + np.exp(-12 * (similarities - 0.6)))
        pairs.add(similarities, np.flatnonzero(belongs))
    return pairs


def test_it_is_isotonic_regression() -> None:
    pairs = drawn(0)
    both = pairs.related + pairs.unrelated
    seen = np.flatnonzero(both)
    middles = (seen + 0.5) * 2 / BINS - 1
    shares = pairs.related[seen] / both[seen]
    expected = IsotonicRegression().fit_transform(middles, shares, sample_weight=both[seen])
    found = calibrate(pairs)
    blocks = np.unique(expected.round(9))
    assert np.allclose(found.probabilities, blocks, atol=1e-8)
    assert (np.diff(found.similarities) > 0).all()


def test_probabilities_hold_on_other_pairs() -> None:
    fitted, fresh = calibrate(drawn(0)), drawn(1)
    said, so = reliability(fitted, fresh)
    assert np.abs(said - so).max() < 0.07
    assert fitted.probability([0.6])[0] == pytest.approx(0.5, abs=0.06)
    sure = fitted.probability((np.arange(BINS) + 0.5) * 2 / BINS - 1) >= 0.8
    found = fresh.related[sure].sum() / (fresh.related + fresh.unrelated)[sure].sum()
    assert found > 0.8


def test_too_few_pairs_are_refused() -> None:
    few = PairCounts()
    few.add(np.linspace(0, 1, 60, dtype=np.float32), np.array([58, 59]))
    with pytest.raises(UsageError, match="2 pairs belong together and 58 do not; 50"):
        calibrate(few)


def test_a_similarity_that_tells_nothing_has_one_probability() -> None:
    pairs = PairCounts()
    for _ in range(10):
        pairs.add(np.repeat(np.float32([0.2, 0.8]), 50), np.r_[0:30, 50:60])
    found = calibrate(pairs)
    assert found.probability([-1, 0.5, 1]).tolist() == pytest.approx([0.4] * 3)


def test_what_an_index_keeps_comes_back_and_lies_do_not() -> None:
    kept = calibrate(drawn(0)).as_settings()
    found = calibration_of({CALIBRATION: kept})
    assert found is not None
    assert np.allclose(found.similarities, kept["similarities"])
    bad: list[dict[str, list[float]]] = [
        {},
        {"similarities": [0.1, 0.2], "probabilities": [0.5]},
        {"similarities": [0.2, 0.1], "probabilities": [0.5, 0.6]},
        {"similarities": [0.1, 0.2], "probabilities": [0.6, 0.5]},
        {"similarities": [0.1, 0.2], "probabilities": [0.6, 1.5]},
        {"similarities": [0.1, float("nan")], "probabilities": [0.1, 0.5]},
    ]
    for lie in bad:
        assert calibration_of({CALIBRATION: lie}) is None
    assert isinstance(found, Calibration)


def test_training_tells_how_true_its_probabilities_are_on_pairs_it_did_not_fit() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(9), 20)
    centres = rng.normal(size=(9, 16))
    vectors = unit((centres[labels] + rng.normal(size=(180, 16))).astype(np.float32))
    triplets = np.array(
        [(a, a + 1, (a + 60) % 180) for a in range(180) if labels[a] == labels[(a + 1) % 180]]
    )
    data = RankData(VectorRows(vectors), triplets, triplets[:0], labels)
    trained = train_rank(data, RankSettings(steps=0), Report())
    assert trained.calibration is not None and trained.reliability is not None
    said, so = trained.reliability
    assert len(said) == len(so) > 2
    assert (np.diff(said) > 0).all() and said.min() >= 0 and said.max() <= 1
    assert so[0] < 0.2 and so[-1] > 0.6  # improbable pairs rarely belong together, others mostly


def test_few_pairs_tell_no_reliability() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(12, 8)).astype(np.float32))
    labels = np.repeat(np.arange(4), 3)
    triplets = np.array([(0, 1, 3), (3, 4, 6), (6, 7, 9), (9, 10, 0)])
    data = RankData(VectorRows(vectors), triplets, triplets[:0], labels)
    assert train_rank(data, RankSettings(steps=0), Report()).reliability is None
