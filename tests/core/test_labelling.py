"""The vote against naive loops, the regression against scikit-learn, and what is fitted."""

import math
from collections import defaultdict

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tvcli.core.errors import UsageError
from tvcli.core.labelling.fitting import fit_rule
from tvcli.core.labelling.logistic import fit_logistic
from tvcli.core.labelling.neighbours import _nearest
from tvcli.core.labelling.votes import NONE, Neighbours, vote


def some_neighbours(count: int = 40, k: int = 12, labels: int = 4) -> Neighbours:
    rng = np.random.default_rng(3)
    similarities = np.sort(rng.uniform(0, 1, (count, k)).astype(np.float32), axis=1)[:, ::-1]
    codes = rng.integers(labels, size=(count, k))
    codes[5, 6:] = NONE
    codes[6] = NONE
    similarities = np.where(codes == NONE, -1, similarities).astype(np.float32)
    return Neighbours(similarities, codes, np.arange(count * k).reshape(count, k))


@pytest.mark.parametrize(("k", "temperature"), [(1, math.inf), (5, 0.1), (12, 0.02)])
def test_votes_are_those_of_a_naive_loop(k: int, temperature: float) -> None:
    near = some_neighbours()
    found = vote(near, k, temperature)
    for query in range(len(near)):
        shares: defaultdict[int, float] = defaultdict(float)
        pairs = list(zip(near.codes[query, :k], near.similarities[query, :k], strict=True))
        top = float(pairs[0][1])
        for code, similarity in pairs:
            if code != NONE:
                shares[int(code)] += math.exp((float(similarity) - top) / temperature)
        if not shares:
            assert found.winners[query] == NONE
            continue
        winner = max(shares, key=lambda code: shares[code])
        assert found.winners[query] == winner
        best = max(float(s) for code, s in pairs if code == winner)
        others = [float(s) for code, s in pairs if code not in (winner, NONE)]
        rest = sum(shares.values()) - shares[winner]
        wanted = [math.log((shares[winner] + 0.5) / (rest + 0.5)), best, best - max([-1, *others])]
        assert found.features[query] == pytest.approx(wanted, abs=1e-6)
        assert near.codes[query, found.places[query]] == winner


def test_of_a_block_of_similarities_the_nearest_voters_come_in_order() -> None:
    rng = np.random.default_rng(0)
    similarities = rng.normal(size=(6, 30)).astype(np.float32)
    similarities[0, 4:] = -np.inf
    similarities[1, 3] = similarities[1, 7] = 9.0
    voters, codes = np.arange(0, 60, 2), np.arange(60) % 5
    near = _nearest(similarities, voters, codes, 10)
    for query, row in enumerate(similarities):
        order = [place for place in np.lexsort((np.arange(30), -row)) if row[place] > -np.inf][:10]
        assert near.rows[query, : len(order)].tolist() == voters[order].tolist()
        assert near.codes[query, : len(order)].tolist() == codes[voters[order]].tolist()
        assert (near.codes[query, len(order) :] == NONE).all()


def test_the_regression_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(3000, 3)) * [1, 5, 0.1] + [0, 3, 1]
    chances = 1 / (1 + np.exp(-(features @ [1.0, -0.3, 4.0] - 2.5)))
    targets = (rng.uniform(size=3000) < chances).astype(float)
    counts = np.where(np.arange(3000) % 3 == 0, 2.0, 1.0)
    ours = fit_logistic(features, targets, counts)
    scaled = (features - ours.means) / ours.scales
    theirs = LogisticRegression(C=1 / (1e-3 * counts.sum()), tol=1e-8).fit(
        scaled, targets, sample_weight=counts
    )
    said = ours.probability(features)
    assert said == pytest.approx(theirs.predict_proba(scaled)[:, 1], abs=2e-3)
    assert said.mean() == pytest.approx(chances.mean(), abs=0.02)


def neighbours_of(vectors: np.ndarray, codes: np.ndarray, *, own: bool) -> Neighbours:
    similarities = (vectors @ vectors.T).astype(np.float32)
    np.fill_diagonal(similarities, -np.inf)
    if not own:
        similarities[codes[:, None] == codes[None, :]] = -np.inf
    return _nearest(similarities, np.arange(len(codes)), codes, 50)


def test_probabilities_and_cutoff_fit_the_mix_of_photos_that_is_expected() -> None:
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(12, 16))
    codes = np.repeat(np.arange(12), 25)
    vectors = centres[codes] + 1.2 * rng.normal(size=(300, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    known, unknown = (neighbours_of(vectors, codes, own=own) for own in (True, False))
    cutoffs = []
    for others in (0.0, 0.1, 0.5):
        fitted = fit_rule(known, unknown, codes, others)
        votes, said = fitted.rule.decide(known)
        right = votes.winners == codes
        mean = (1 - others) * said.mean() + others * fitted.rule.decide(unknown)[1].mean()
        assert mean == pytest.approx((1 - others) * right.mean(), abs=0.02)
        assert fitted.hit == pytest.approx(right.mean())
        cutoffs.append((fitted.labelled, fitted.refused))
        stricter = fit_rule(known, unknown, codes, others, cutoff=0.99)
        assert stricter.labelled <= fitted.labelled and stricter.refused >= fitted.refused
    assert cutoffs == sorted(cutoffs, key=lambda pair: (-pair[0], pair[1]))
    assert cutoffs[-1][1] > cutoffs[0][1]


def test_without_photos_that_share_a_label_there_is_nothing_to_fit() -> None:
    vectors = np.eye(20)
    known, unknown = (neighbours_of(vectors, np.arange(20), own=own) for own in (True, False))
    with pytest.raises(UsageError, match="0 photos have a label that another photo has"):
        fit_rule(known, unknown, np.arange(20), 0.1)
