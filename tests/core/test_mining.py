import numpy as np
import pytest

from tvcli.core.ranking.mining import Candidates, mine_labelled, nearest, split_photos


def candidates(rows: int = 60, classes: int = 4, test: float = 0.2) -> Candidates:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(rows, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    photos = np.arange(rows)
    labels = photos % classes
    kept = split_photos(photos, labels, test, rng)
    return Candidates(vectors, photos, labels, np.isin(photos, kept))


@pytest.mark.parametrize("how", ["hard", "semi-hard", "random"])
def test_positives_share_the_class_negatives_do_not_and_no_triplet_crosses_the_split(
    how: str,
) -> None:
    pool = candidates()
    found = list(mine_labelled(pool, 3, how, np.random.default_rng(0)))  # type: ignore[arg-type]
    assert len(found) == 60 * 3
    for anchor, positive, negative in found:
        assert pool.labels[anchor] == pool.labels[positive] != pool.labels[negative]
        assert anchor != positive
        assert pool.test[anchor] == pool.test[positive] == pool.test[negative]


def test_hard_negatives_are_the_nearest_of_other_classes() -> None:
    pool = candidates(test=0)
    for anchor, _, negative in mine_labelled(pool, 1, "hard", np.random.default_rng(0)):
        similarities = pool.vectors @ pool.vectors[anchor]
        others = pool.labels != pool.labels[anchor]
        assert similarities[negative] == similarities[others].max()


def test_semi_hard_negatives_are_less_similar_than_the_positive_where_there_are_such() -> None:
    pool = candidates(test=0)
    for anchor, positive, negative in mine_labelled(pool, 2, "semi-hard", np.random.default_rng(0)):
        similarities = pool.vectors @ pool.vectors[anchor]
        others = similarities[pool.labels != pool.labels[anchor]]
        below = others[others < similarities[positive]]
        expected = below.max() if len(below) else others.max()
        assert similarities[negative] == pytest.approx(expected, abs=1e-6)


def test_the_nearest_are_of_other_photos() -> None:
    pool = candidates(rows=12, test=0)
    twins = Candidates(pool.vectors, np.arange(12) // 2, pool.labels, pool.test)
    for anchor, near in nearest(twins, np.arange(12), 3):
        assert anchor // 2 not in near // 2
        assert len(near) == 3


def test_the_split_keeps_two_photos_of_a_class_or_none() -> None:
    photos = np.arange(33)
    labels = np.array([0] * 20 + [1] * 10 + [2] * 3)
    kept = split_photos(photos, labels, 0.1, np.random.default_rng(0))
    assert [int((labels[kept] == label).sum()) for label in range(3)] == [2, 2, 0]
    assert not len(split_photos(photos, labels, 0, np.random.default_rng(0)))


def test_the_same_seed_gives_the_same_triplets() -> None:
    pool = candidates()
    one, other = (list(mine_labelled(pool, 3, "hard", np.random.default_rng(7))) for _ in "ab")
    assert one == other
