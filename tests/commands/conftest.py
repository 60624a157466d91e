from collections.abc import Callable
from typing import Any

import pytest

from tvcli.core.searching import explaining
from tvcli.core.searching.contributions import explain_pair


@pytest.fixture
def added_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[dict[str, Any]]], None]:
    """Give what asserts that the positions of each hit explained make its similarity."""
    sums: list[tuple[float, float]] = []

    def noting(*given: Any) -> tuple[float, Any, Any]:
        similarity, first, second = explain_pair(*given)
        sums.append((float(first.sum()), float(second.sum())))
        return similarity, first, second

    def check(hits: list[dict[str, Any]]) -> None:
        assert len(hits) == len(sums) > 1
        for hit, added in zip(hits, sums, strict=True):
            assert added == pytest.approx((hit["similarity"],) * 2, abs=2e-3)  # kept in 16 bits
        assert len({round(hit["similarity"], 3) for hit in hits}) > 1

    monkeypatch.setattr(explaining, "explain_pair", noting)
    return check
