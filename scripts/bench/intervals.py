"""Shares with their intervals, as the tables of the notes have them."""

from collections.abc import Sequence

from scipy.stats import binomtest


def share(right: int, of: int) -> str:
    """Return a share with its Wilson interval of 95 %, empty of nothing."""
    if not of:
        return ""
    interval = binomtest(right, of).proportion_ci(method="wilson")
    return f"{right / of:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def share_of(hits: Sequence[bool]) -> str:
    """Return the share of those that are true, as `share` does."""
    return share(sum(hits), len(hits))
