"""Records sorted and kept on the disk, against what sorted() and list() give in memory."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tvcli.core.files import external_sort as sorting
from tvcli.core.files.external_sort import external_sort, spilled

NAMES = st.text(st.characters(codec=None), max_size=4)  # lone surrogates too, as of odd file names
RECORDS = st.lists(st.fixed_dictionaries({"image": NAMES, "number": st.integers(-9, 9)}))


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "RECORDS_A_RUN", 5)


@given(RECORDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sorted_on_the_disk_as_in_memory(short_runs: None, records: list[dict[str, Any]]) -> None:
    numbered = [{**record, "place": place} for place, record in enumerate(records)]
    for field in ("image", "number"):
        found = list(external_sort(numbered, key=lambda record: record[field]))
        assert found == sorted(numbered, key=lambda record: record[field])  # equal ones in order


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 10, 11, 57])
def test_runs_end_wherever_the_records_do(short_runs: None, count: int) -> None:
    records = [{"number": number * 7 % 13, "place": number} for number in range(count)]
    found = list(external_sort(iter(records), key=lambda record: record["number"]))
    assert found == sorted(records, key=lambda record: record["number"])


def test_sorting_holds_no_more_than_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records are counted by the objects that are alive when one more is asked for."""
    monkeypatch.setattr(sorting, "RECORDS_A_RUN", 50)
    alive = most = 0

    class Counted(dict[str, Any]):
        def __init__(self, number: int) -> None:
            nonlocal alive, most
            super().__init__(number=number)
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    numbers = (Counted(number * 7919 % 1000) for number in range(1000))
    found = [record["number"] for record in external_sort(numbers, key=lambda r: r["number"])]
    assert found == sorted(found) and len(set(found)) == 1000
    assert most <= 50 + 2


def test_a_spool_is_read_as_often_as_wished() -> None:
    records = [{"image": "a\udcff.jpg", "box": [1.5, 2]}, {"image": "ä", "none": None}]
    with spilled(records[:1]) as kept:
        kept.write(records[1:])
        assert len(kept) == 2
        assert list(kept) == list(kept) == records
        first = iter(kept)
        assert next(first) == records[0]


def test_what_is_read_from_fails_as_it_would_have(short_runs: None) -> None:
    def failing() -> Any:
        yield from ({"number": number} for number in range(12))
        raise ValueError("line 13")

    with pytest.raises(ValueError, match="line 13"):
        list(external_sort(failing(), key=lambda record: record["number"]))
