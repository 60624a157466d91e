"""Heads in closed form against scikit-learn and against loops, and how one of them is chosen."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.linalg import eigh
from sklearn.covariance import ledoit_wolf

from tvcli.core.ranking.closed_form import (
    SHARES,
    STARTS,
    WHITENED,
    ClosedForm,
    Taught,
    covariance,
    formed_head,
    scatter,
    shrunk,
    start_head,
)
from tvcli.core.ranking.held_out import first_hits, mapped
from tvcli.core.ranking.rehearsal import Figures, mean_figures, rehearsals
from tvcli.core.ranking.start_choice import Start, Trial, Trials, best_start

CLASSES, PER_CLASS, CHANNELS = 12, 10, 24
SERIAL = ThreadPoolExecutor(1)
NO_TRIPLETS = np.empty((0, 3), np.intp)


def drawn(seed: int = 0) -> Taught:
    """Draw classes that differ in eight channels, under louder noise in the others."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), PER_CLASS)
    centres = np.zeros((CLASSES, CHANNELS))
    centres[:, :8] = rng.normal(size=(CLASSES, 8))
    noise = rng.normal(size=(len(labels), CHANNELS)) * np.where(np.arange(CHANNELS) < 8, 0.3, 2)
    vectors = centres[labels] + noise + 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Taught(vectors.astype(np.float32), labels, NO_TRIPLETS)


def triplets_of(labels: np.ndarray, count: int = 400) -> np.ndarray:
    rng = np.random.default_rng(1)
    chosen = rng.integers(len(labels), size=count)
    made = []
    for anchor in chosen:
        same = np.flatnonzero(labels == labels[anchor])
        positive = rng.choice(same[same != anchor])
        made.append([anchor, positive, rng.choice(np.flatnonzero(labels != labels[anchor]))])
    return np.array(made, np.intp)


def hit(vectors: np.ndarray, labels: np.ndarray) -> float:
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -2)
    return float((labels[similarities.argmax(1)] == labels).mean())


@pytest.mark.parametrize("count", [3, 20, 400])
def test_shrinking_is_ledoit_and_wolfs(count: int) -> None:
    rows = np.random.default_rng(0).normal(size=(count, 15)) * np.linspace(0.1, 2, 15)
    expected = ledoit_wolf(rows, assume_centered=True)[0]
    found, rest = shrunk(rows, covariance(rows), count, 15)
    assert np.allclose(found, expected, rtol=1e-5)
    assert (count > 15) or rest == pytest.approx(np.linalg.eigvalsh(expected)[0], rel=1e-4)


def test_scatter_against_a_loop() -> None:
    taught = drawn()
    found = scatter(taught)
    vectors = taught.vectors.astype(np.float64)
    rows, mean = [], vectors.mean(axis=0)
    apart = np.zeros((CHANNELS, CHANNELS))
    for label in range(CLASSES):
        own = vectors[taught.labels == label]
        rows += list((own - own.mean(axis=0)) * np.sqrt(PER_CLASS / (PER_CLASS - 1)))
        offset = own.mean(axis=0) - mean
        apart += np.outer(offset, offset) / CLASSES
    within, _ = shrunk(np.array(rows), covariance(np.array(rows)), len(rows), CHANNELS)
    seen = np.array(rows).T @ np.array(rows) / len(rows)
    assert np.allclose(found.mean, mean, atol=1e-6)
    assert np.allclose(found.within, within, atol=1e-6)  # of 0.1: float32
    assert np.allclose(found.between, apart - (CLASSES - 1) / len(vectors) * seen, atol=1e-6)


def test_pairs_tell_what_labels_do() -> None:
    """Up to chance, and to pairs of two classes being no pairs of any two photos: K / (K - 1)."""
    taught = drawn()
    by_labels = scatter(taught)
    pairs = triplets_of(taught.labels, 4000)
    by_pairs = scatter(Taught(taught.vectors, np.full(len(taught.labels), -1), pairs))
    for own, other in (
        (by_labels.within, by_pairs.within),
        (by_labels.between, by_pairs.between * (CLASSES - 1) / CLASSES),
    ):
        assert np.linalg.norm(own - other) < 0.3 * np.linalg.norm(own)
        assert np.trace(other) == pytest.approx(np.trace(own), rel=0.2)


def test_the_discriminant_is_that_of_the_generalised_eigenvectors() -> None:
    found = scatter(drawn())
    own = ClosedForm(found).weight("discriminant")
    values, axes = eigh(found.between, found.within)  # axes' within axes = 1
    expected, without_mean = np.zeros((CHANNELS, CHANNELS)), np.eye(CHANNELS)
    without_mean -= np.outer(found.mean, found.mean) / (found.mean @ found.mean)
    for value, axis in zip(values, axes.T, strict=True):
        if value > values[-1] * 1e-6:
            expected += value / (1 + value) * np.outer(without_mean @ axis, without_mean @ axis)
    gram = own.T @ own
    assert len(own) <= CLASSES - 1
    assert np.allclose(gram / np.trace(gram), expected / np.trace(expected), atol=1e-5)


@pytest.mark.parametrize("name", STARTS[1:])
def test_what_starts_do_to_photos_they_did_not_see(name: str) -> None:
    taught, fresh = drawn(), drawn()
    other = drawn(0)
    half = np.arange(len(taught.labels)) % 2 == 0
    some = Taught(taught.vectors[half], taught.labels[half], NO_TRIPLETS)
    head = start_head(some, name, 1.0, None, CHANNELS)
    rest, labels = other.vectors[~half], fresh.labels[~half]
    assert hit(mapped(rest, head), labels) > hit(rest, labels) + 0.1
    assert np.square(head).sum() == pytest.approx(CHANNELS, rel=1e-4)


def test_a_blend_is_a_weighted_sum_of_similarities_and_is_kept_when_it_is_cut() -> None:
    form = ClosedForm(scatter(drawn()))
    vectors = drawn().vectors[:5].astype(np.float64)
    parts = [vectors @ form.weight(name, WHITENED).T for name in ("discriminant", "wccn")]
    both = vectors @ form.weight("blend", 2.0).T
    assert np.allclose(both @ both.T, 4 * parts[0] @ parts[0].T + parts[1] @ parts[1].T, rtol=1e-4)
    cut = vectors @ form.reduced(form.weight("blend", 2.0), CHANNELS).T
    assert np.allclose(cut @ cut.T, both @ both.T, rtol=1e-4)
    assert form.reduced(form.weight("blend", 2.0), 5).shape == (5, CHANNELS)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("dim", [6, 24])
@pytest.mark.parametrize("name", STARTS[1:])
def test_fewer_photos_than_values_make_the_same_head_in_what_they_span(
    name: str, dim: int, labelled: bool
) -> None:
    """What is decomposed is smaller then; photos that were not learned from are mapped alike."""
    taught, fresh = drawn(), drawn(3).vectors[:10]
    few = np.flatnonzero(np.arange(len(taught.labels)) % 10 < 2)[:20]  # of 24 values
    labels = taught.labels[few] if labelled else np.full(20, -1)
    some = Taught(taught.vectors[few], labels, triplets_of(taught.labels[few], 40))
    whole = formed_head(ClosedForm(scatter(some)), name, 0.75, dim)
    spanned = some.spanned()
    assert spanned.vectors.shape == (20, 20)
    found = formed_head(ClosedForm(scatter(spanned)), name, 0.75, dim)
    assert np.allclose(mapped(fresh, found) @ mapped(fresh, found).T,
                       mapped(fresh, whole) @ mapped(fresh, whole).T, atol=2e-3)  # fmt: skip


def test_nothing_held_out_is_learned_from() -> None:
    labels = np.repeat(np.arange(9), 6)
    photos = np.arange(len(labels)) // 2  # two rows of each photo
    triplets = triplets_of(labels)
    for way in rehearsals(labels, triplets, photos, 0):
        assert way.photos is not None
        assert way.classes is not None
        asked = {*photos[way.photos[1]], *photos[way.classes[0]]}
        learned = {*photos[way.labels >= 0], *photos[way.triplets.ravel()]}
        assert learned
        assert not asked & learned
        assert not set(labels[way.classes[0]]) & set(labels[way.labels >= 0])
    unknown = np.full(len(labels), -1)
    ways = rehearsals(unknown, triplets, photos, 0)
    for way in ways:
        assert way.held is not None
        assert not set(photos[way.held].ravel()) & set(photos[way.triplets].ravel())


def test_two_photos_a_class_hold_out_classes_alone() -> None:
    labels = np.repeat(np.arange(8), 2)
    ways = rehearsals(labels, triplets_of(labels, 40), np.arange(16), 0)
    assert ways
    for way in ways:
        figures = way.figures(np.eye(16, dtype=np.float32))
        assert figures.photos is None
        assert figures.classes is not None


def test_the_best_start_is_the_best_of_those_that_harm_nothing() -> None:
    def trial(pool: str, name: str, photos: float, classes: float) -> Trial:
        return Trial(Start(pool, name), Figures(photos, classes))

    trials = [
        trial("mean", "identity", 0.5, 0.5),
        trial("mean", "wccn", 0.6, 0.55),
        trial("mean", "discriminant", 0.9, 0.4),  # best in the mean, but worse on other classes
        trial("gem", "wccn", 0.7, 0.5),
    ]
    assert best_start(trials, ("mean", "gem")) == Start("gem", "wccn")
    assert best_start(trials, ("mean", "gem"), "discriminant") == Start("mean", "discriminant")
    assert best_start([], ("mean",)) == Start("mean", "blend", 0.5)
    assert mean_figures([Figures(0.2, None), Figures(0.4, 0.5)]) == Figures(pytest.approx(0.3), 0.5)


def test_a_rehearsal_measures_by_its_own_rows_what_it_does_by_all() -> None:
    """Blends too, which are put together from their parts: that is faster, and nothing else."""
    taught = drawn()
    ways = rehearsals(taught.labels, NO_TRIPLETS, np.arange(len(taught.labels)), 0)
    asked = [row for way in ways if way.classes for row in way.classes[1]]
    assert sorted(asked) == list(range(len(taught.labels)))  # each class is held out once
    for trial in Trials({"mean": taught.vectors}, ways, SERIAL).all():
        every = []
        for way in ways:
            form = ClosedForm(scatter(Taught(taught.vectors, way.labels, way.triplets)))
            weight = form.weight(trial.start.name, trial.start.share).astype(np.float32)
            every.append(way.figures(mapped(taught.vectors, weight)))
        assert trial.figures.photos == pytest.approx(mean_figures(every).photos, abs=1e-6)
        assert trial.figures.classes == pytest.approx(mean_figures(every).classes, abs=1e-6)


def test_first_hits_against_a_loop() -> None:
    taught = drawn()
    labels = np.where(np.arange(len(taught.labels)) < 60, 0, taught.labels)  # one of many photos
    labels[-1] = 99  # and one that has nothing to find
    similarities = taught.vectors @ taught.vectors.T
    asked = np.append(np.arange(0, len(labels) - 1, 7), len(labels) - 1)
    found = first_hits(similarities[asked], labels, asked)
    assert len(first_hits(similarities[-1:], labels, asked[-1:])) == 0
    for value, row in zip(found, asked[:-1], strict=True):
        order = np.argsort(-(taught.vectors @ taught.vectors[row]))
        right = labels[order[order != row]] == labels[row]
        wanted = min(20, int(right.sum()))
        assert value == pytest.approx((right[0] + right[:wanted].mean()) / 2)


def test_a_start_whose_first_hits_are_worse_on_other_classes_is_not_chosen() -> None:
    """However much it helps those taught: of three, the one that harms nothing."""
    random = np.random.default_rng(0)
    labels, photos = np.repeat(np.arange(12), 10), np.arange(120)
    centres = random.normal(size=(12, 24)) * np.where(np.arange(24) < 12, 0.4, 1.5)
    vectors = centres[labels] + random.normal(size=(120, 24))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ways = rehearsals(labels, NO_TRIPLETS, photos, 0)
    trials = Trials({"mean": unit}, ways, SERIAL).all()
    chosen = best_start(trials, ("mean",))
    plain = trials[0].figures
    harmful = [trial for trial in trials if trial.figures.harms(plain)]
    assert harmful
    assert all(trial.start != chosen for trial in harmful)


def test_what_is_learned_is_chosen_where_it_helps() -> None:
    taught = drawn()
    ways = rehearsals(taught.labels, NO_TRIPLETS, np.arange(len(taught.labels)), 0)
    trials = Trials({"mean": taught.vectors}, ways, SERIAL).all()
    by_name = {trial.start.title: trial.figures for trial in trials}
    assert by_name["blend 1"].score > by_name["identity"].score
    assert best_start(trials, ("mean",)).name != "identity"
    noise = np.random.default_rng(0).normal(size=taught.vectors.shape).astype(np.float32)
    nothing = Trials({"mean": noise}, ways, SERIAL).all("wccn")
    assert [trial.start.name for trial in nothing] == ["identity", *["wccn"] * len(SHARES["wccn"])]


def test_few_queries_show_little() -> None:
    """A gain counts from its standard error on, taken query by query."""
    rng = np.random.default_rng(0)
    gains = rng.normal(0.05, 0.2, 400)
    before = rng.uniform(0.3, 0.6, 400)

    def figures(values: np.ndarray) -> Figures:
        return Figures(float(values.mean()), each=(values,))

    for count in (4, 25, 400):
        own, theirs = figures((before + gains)[:count]), figures(before[:count])
        error = gains[:count].std() / count**0.5
        assert own.exceeds(theirs) == (gains[:count].mean() > error)
        assert not theirs.exceeds(theirs)
    assert own.exceeds(theirs)
