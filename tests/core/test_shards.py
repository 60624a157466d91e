from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvcli.core.errors import UsageError
from tvcli.core.files.records import Region
from tvcli.core.files.shards import Shard, Share, parse_shard

PATHS = st.lists(st.text(min_size=1, max_size=20), max_size=60)
OF = st.integers(1, 12)


def regions(paths: list[str]) -> list[Region]:
    return [Region(path, crop=(0, 0, n + 1.0, 1)) for n, path in enumerate(paths)]


@given(PATHS, OF)
def test_shards_are_disjoint_and_together_all(paths: list[str], of: int) -> None:
    shares = [Share(regions(paths), Shard(number, of)) for number in range(1, of + 1)]
    found = sorted((r for share in shares for r in share), key=lambda region: region.position)
    assert [region.position for region in found] == list(range(len(paths)))
    assert [(r.image, r.crop) for r in found] == [(r.image, r.crop) for r in regions(paths)]
    notes = [share.note() for share in shares]
    assert len({(note["list"], note["listed"]) for note in notes}) == 1
    assert [note["number"] for note in notes] == list(range(1, of + 1))


@given(PATHS, OF)
def test_a_photo_is_never_parted(paths: list[str], of: int) -> None:
    owners: dict[str, set[int]] = {}
    for number in range(1, of + 1):
        for region in Share(regions(paths + paths), Shard(number, of)):
            owners.setdefault(region.image, set()).add(number)
    assert all(len(numbers) == 1 for numbers in owners.values())


@given(PATHS, st.text(min_size=1), OF)
def test_a_photo_added_moves_no_other(paths: list[str], new: str, of: int) -> None:
    for number in range(1, of + 1):
        before = Counter(r.image for r in Share(regions(paths), Shard(number, of)))
        after = Counter(r.image for r in Share(regions([new, *paths]), Shard(number, of)))
        assert after - before == Counter([new] if Shard(number, of).takes(new) else [])
        assert not before - after


def test_shards_are_of_about_one_size() -> None:
    sizes = [sum(Shard(n, 8).takes(f"folder/{i}.jpg") for i in range(8000)) for n in range(1, 9)]
    assert sum(sizes) == 8000
    assert min(sizes) > 850


def test_another_list_has_another_note() -> None:
    def noted(some: list[Region]) -> str:
        share = Share(some, Shard(1, 2))
        assert len(list(share)) <= len(some)
        return str(share.note()["list"])

    plain = noted([Region("a"), Region("b")])
    assert plain == noted([Region("a"), Region("b")])
    others = [[Region("b"), Region("a")], [Region("a")], [Region("a"), Region("b", flip=True)]]
    assert plain not in {noted(other) for other in others}


@pytest.mark.parametrize("text", ["0/8", "9/8", "1", "1/0", "a/b", "-1/8", "1/8/2", " 1/8", ""])
def test_other_shards_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        parse_shard(text)


def test_shards_count_from_one() -> None:
    assert parse_shard("8/8") == Shard(8, 8)
    assert parse_shard(None) is None
    with pytest.raises(UsageError, match="count from 1: 1/8 to 8/8"):
        parse_shard("0/8")
