"""Votes: which photos have key points like a query's, by words, bits and one similarity."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.core.test_verification import scene
from tvcli.core.images.photo import Photo, decode_photo
from tvcli.core.matching.features import Keypoints, Method, describe, describe_both
from tvcli.core.matching.vocabulary import Vocabulary, drawn_vocabulary
from tvcli.core.matching.voting import Filed, Voter, own_vocabulary, signatures

REGION = (0.0, 0.0, 400.0, 300.0)


def photo(picture: Image.Image) -> Photo:
    from io import BytesIO

    file = BytesIO()
    picture.save(file, "PNG")
    return decode_photo(file.getvalue())


def keypoints(places: np.ndarray, descriptors: np.ndarray) -> Keypoints:
    """Return key points at places x + iy of a photo of 400 x 300 pixels."""
    points = np.stack([places.real, places.imag], axis=1).astype(np.float32)
    return Keypoints(points, descriptors, np.zeros((1, 1), np.uint8), REGION)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 400, 60) + 1j * rng.uniform(0, 300, 60)
    return places, rng.integers(0, 256, (60, 32), dtype=np.uint8)


def test_a_vote_is_a_pair_that_one_turn_size_and_place_explain(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    places, descriptors = drawn
    query = keypoints(places, descriptors)
    turned = places * 0.5 * np.exp(0.7j) + 30
    some = turned.copy()
    some[:20] += 200  # elsewhere
    noisy = descriptors ^ np.uint8(1)  # 32 bits of 256
    far = descriptors ^ np.uint8(0b11)  # 64 bits
    photos = [
        keypoints(turned, descriptors),
        keypoints(some, descriptors),
        keypoints(turned, noisy),
        keypoints(turned, far),
        keypoints(turned[:0], descriptors[:0]),
    ]
    vocabulary = own_vocabulary(query)
    votes = Voter(query, vocabulary).votes(Filed(photos, vocabulary))
    assert np.floor(votes[[0, 1, 3, 4]]).tolist() == [60, 40, 0, 0]
    assert 30 < votes[2] < 60  # some go to other words


def test_a_mirrored_query_votes_by_where_points_lie_in_the_mirror_image(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    places, descriptors = drawn
    query = replace(keypoints(places, descriptors), mirrored=True)
    vocabulary = own_vocabulary(query)
    photos = [keypoints(at, descriptors) for at in (-places.conj() + 400, places)]
    votes = Voter(query, vocabulary).votes(Filed(photos, vocabulary))
    assert np.floor(votes[0]) == 60 and votes[1] < 30


@pytest.mark.parametrize("method", ["orb", "sift"])
@pytest.mark.parametrize("kept", [True, False])
def test_the_photo_that_a_query_shows_has_the_most_votes(method: Method, kept: bool) -> None:
    gallery = [describe(photo(scene(number)), method=method) for number in range(12)]
    wall = Image.new("RGB", (700, 500), "grey")
    wall.paste(ImageOps.mirror(scene(7)).rotate(40, expand=True), (150, 60))
    plain, mirrored = describe_both(photo(wall), method=method)
    words = drawn_vocabulary(np.concatenate([signatures(one) for one in gallery]), 0)
    found = []
    for query in (plain, mirrored):
        vocabulary = words if kept and words else own_vocabulary(query)
        found.append(Voter(query, vocabulary).votes(Filed(gallery, vocabulary)))
    assert found[1].argmax() == 7
    assert found[1][7] > 2 * max(*np.delete(found[1], 7), *found[0])


def test_words_near_are_the_closest_below_the_closest_roots() -> None:
    rng = np.random.default_rng(1)
    descriptors = rng.integers(0, 256, (800, 32), dtype=np.uint8)
    vocabulary = Vocabulary(descriptors[:300], descriptors[:300:20])
    queries = descriptors[250:350]

    def bits(one: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.unpackbits(one ^ others, axis=1).sum(axis=1)

    under = [int(bits(word, vocabulary.roots).argmin()) for word in vocabulary.words]
    assert under == sorted(under)
    found = vocabulary.words_near(queries, 2, 3)
    assert found.shape == (100, 6)
    for query, words in zip(queries, found, strict=True):
        roots = np.argsort(bits(query, vocabulary.roots), kind="stable")[:2]
        expected: list[int] = []
        for root in roots:
            own = np.flatnonzero(np.array(under) == root)
            near = np.sort(bits(query, vocabulary.words[own]))[:3]
            expected += [*near.tolist(), *[-1] * (3 - len(near))]
        known = [-1 if w < 0 else int(bits(query, vocabulary.words[w : w + 1])[0]) for w in words]
        assert known == expected
    assert np.array_equal(vocabulary.words_of(queries), found[:, 0])
    query = keypoints(np.zeros(100, complex), queries)
    assert np.array_equal(Voter(query, vocabulary).words, found[:, 0])
    assert vocabulary.words_near(queries[:0], 2, 3).shape == (0, 6)


def test_a_query_without_key_points_has_no_words() -> None:
    empty = keypoints(np.zeros(0, complex), np.zeros((0, 32), np.uint8))
    full = describe(photo(scene(1)))
    vocabulary = own_vocabulary(full)
    for words in (own_vocabulary(empty), vocabulary):
        assert Voter(empty, words).votes(Filed([full], words)).tolist() == [0]
    assert Voter(full, vocabulary).votes(Filed([], vocabulary)).shape == (0,)
