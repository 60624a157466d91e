"""Which of some equal photos to keep: rules in order, each with its reason in words."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvcli.core.deduping.facts import Facts
from tvcli.core.deduping.names import entry_of
from tvcli.core.files.paths import absolute_path

# Those that keep every pixel first; of the others, those that lose less at the same quality.
FORMATS = ("TIFF", "PNG", "BMP", "WEBP", "AVIF", "JPEG", "GIF")
ALIKE = 0.04  # of the pixels: photos that differ by less count as of the same resolution


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: a value of which less is better, and what it says for the one kept, or against.

    Values that differ by no more than `tolerance`, in shares of the better one, are alike.
    """

    value: Callable[[Facts], float]
    kept: str
    dropped: str
    tolerance: float = 0.0

    def better(self, one: Facts, other: Facts) -> bool:
        """Tell whether one is better than the other by this rule."""
        return self.value(one) + self.tolerance * abs(self.value(one)) < self.value(other)

    def best(self, photos: Sequence[Facts]) -> list[Facts]:
        """Return those that none is better than."""
        first = min(photos, key=self.value)
        return [facts for facts in photos if not self.better(first, facts)]


class Preference:
    """Rules in order: protected, preferred folders, camera RAW, size, format, bytes, link, name."""

    def __init__(self, protected: Sequence[Path] = (), preferred: Sequence[Path] = ()) -> None:
        self._protected, self._preferred = tuple(protected), tuple(preferred)
        self._rules = (
            Rule(self._is_open, "in a protected folder", "the one kept is protected"),
            Rule(self._place, "in a preferred folder", "the one kept is in a preferred folder"),
            Rule(
                lambda facts: float(facts.format != "RAW"),  # of which only the preview is measured
                "camera RAW, all that the sensor saw",
                "{own.format}, the one kept is camera RAW",
            ),
            Rule(
                lambda facts: -facts.shown,
                "most pixels, {own.size}",
                "fewer pixels, {own.size} next to {kept.size}",
                ALIKE,
            ),
            Rule(
                lambda facts: facts.border,
                "no border around it",
                "{own.border:.0%} of it is a border or corners of one colour",
            ),
            Rule(
                lambda facts: -facts.width * facts.height,
                "most pixels, {own.width}x{own.height}",
                "fewer pixels, {own.width}x{own.height} next to {kept.width}x{kept.height}",
            ),
            Rule(_format, "best format, {own.format}", "format {own.format}, kept {kept.format}"),
            Rule(
                lambda facts: -facts.bytes,
                "largest file, {own.bytes:,} bytes",
                "smaller file, {own.bytes:,} bytes next to {kept.bytes:,}",
            ),
            Rule(lambda facts: float(facts.is_link), "a file, not a link", "a link"),
        )

    def protector(self, facts: Facts) -> Path | None:
        """Return the protected folder that a photo lies in."""
        return next((f for f in self._protected if _lies_in(facts, f)), None)

    def best(self, photos: Sequence[Facts]) -> Facts:
        """Return the one to keep: each rule leaves those that are best by it, the name decides."""
        for rule in self._rules:
            photos = rule.best(photos)
        return min(photos, key=lambda facts: facts.image)

    def by_folder(self, kept: Facts, other: Facts) -> bool:
        """Tell whether one is preferred to another by the folder that a person named."""
        return any(rule.better(kept, other) for rule in self._rules[:2])

    def why_kept(self, kept: Facts, others: Sequence[Facts]) -> str:
        """Return the first rule by which a photo is better than another of its group."""
        if (folder := self.protector(kept)) is not None:
            return f"in the protected folder {folder}"
        for rule in self._rules:
            if any(rule.better(kept, other) for other in others):
                return rule.kept.format(own=kept)
        return "as good as the others, first by name"

    def why_dropped(self, facts: Facts, kept: Facts) -> str:
        """Return the first rule by which the one kept is better."""
        if facts.is_hard_link_to(kept):
            return "a hard link to the one kept: to drop it frees no space"
        if facts.digest == kept.digest:
            return "the same bytes as the one kept"
        rule = next((rule for rule in self._rules if rule.better(kept, facts)), None)
        return rule.dropped.format(own=facts, kept=kept) if rule else "as good, later by name"

    def _is_open(self, facts: Facts) -> float:
        return float(self.protector(facts) is None)

    def _place(self, facts: Facts) -> float:
        places = (n for n, folder in enumerate(self._preferred) if _lies_in(facts, folder))
        return next(places, len(self._preferred))


def _format(facts: Facts) -> float:
    return FORMATS.index(facts.format) if facts.format in FORMATS else len(FORMATS)


def _lies_in(facts: Facts, folder: Path) -> bool:
    """Tell whether a name of a file lies in a folder, as it is written or by what links lead to."""
    written = Path(absolute_path(folder))
    real = Path(os.path.realpath(folder))
    return any(
        Path(absolute_path(path)).is_relative_to(written)
        or Path(entry_of(path)).is_relative_to(real)
        for path in (facts.path, *facts.paths)
    )
