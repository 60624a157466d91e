"""From which probability on objects are kept, for all labels and for some of their own."""

from collections.abc import Iterable

from tvcli.core.errors import UsageError

OPTION = "--threshold"


def parse_thresholds(texts: Iterable[str]) -> tuple[float | None, dict[str, float]]:
    """Return the threshold that `VALUE` sets, None if none does, and those of `LABEL=VALUE`.

    Raises:
        UsageError: a text is neither, a value is no probability, or a threshold is set twice.
    """
    found: dict[str, float] = {}
    for text in texts:
        label, named, value = text.rpartition("=")
        if named and not label:
            raise UsageError(f"{OPTION} {text}: no label before the =")
        if label in found:
            what = f"that of {label}" if label else "a plain value"
            raise UsageError(f"{OPTION} {text}: {what} is given already")
        found[label] = _probability(text, value)
    return found.pop("", None), found


def check_labels(thresholds: Iterable[str], known: Iterable[str]) -> None:
    """Raise UsageError where a threshold is of a label that was not learned."""
    learned = sorted(set(known) - {""})
    for label in thresholds:
        if label not in learned:
            what = f"they learned {', '.join(learned)}" if learned else "they learned no labels"
            raise UsageError(f"{OPTION} {label}=VALUE: not a label of these heads: {what}")


def _probability(text: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise UsageError(f"{OPTION} {text}: not a number, nor LABEL=NUMBER") from None
    if not 0 <= number <= 1:
        raise UsageError(f"{OPTION} {text}: not from 0 to 1")
    return number
