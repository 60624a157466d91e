"""Whether parts belong together: made alike, of one list, every shard there and once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.shards import Shard

SHOWN = 10  # missing shards named


@dataclass(frozen=True, slots=True)
class Part:
    """A part: where it is, how its rows were made, and the note of its shard, {} without."""

    path: Path
    made: dict[str, Any]
    note: dict[str, Any]

    @property
    def shard(self) -> Shard:
        """The shard that its note names; raises BadInput for a note that is none."""
        number, of = self.note.get("number"), self.note.get("of")
        if not (isinstance(number, int) and isinstance(of, int) and 1 <= number <= of):
            raise BadInput(f"{self.path}: the note of its shard is damaged; make it again")
        return Shard(number, of)


def check_parts(parts: Sequence[Part], *, changed: bool = False) -> bool:
    """See that parts belong together; return whether they are shards.

    With `changed` they may be shards of different lists: photos came or went as they started.

    Raises:
        Mismatch: made otherwise, some no shards, a shard double or missing, of another list.
    """
    first = parts[0]
    for part in parts[1:]:
        if difference := differing(first.made, part.made):
            raise Mismatch(f"{part.path}: its {difference}, as in {first.path}: make it alike")
    if not any(part.note for part in parts):
        return False
    _check_shards(parts)
    if not changed:
        _check_list(parts)
    return True


def differing(one: Any, other: Any, name: str = "") -> str:
    """Return the first setting in which two differ, and its values in words; empty if in none."""
    if one == other:
        return ""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if found := differing(one.get(key), other.get(key), f"{name} {key}".strip()):
                return found
    return f"{name} is {_short(other)}, not {_short(one)}"


def _check_shards(parts: Sequence[Part]) -> None:
    first, seen = next(part for part in parts if part.note), dict[int, Path]()
    of = first.shard.of
    for part in parts:
        if not part.note:
            raise Mismatch(f"{part.path}: not a shard, while {first.path} is {first.shard}")
        shard = part.shard
        if shard.of != of:
            raise Mismatch(f"{part.path}: shard {shard}, while {first.path} is {first.shard}")
        if shard.number in seen:
            raise Mismatch(f"{part.path}: shard {shard}, and so is {seen[shard.number]}")
        seen[shard.number] = part.path
    _check_missing(of, sorted(seen))


def _check_missing(of: int, there: list[int]) -> None:
    if len(there) == of:
        return
    lacking: list[str] = []
    for number in range(1, of + 1):
        if number not in there:
            lacking.append(f"{number}/{of}")
        if len(lacking) > SHOWN:
            lacking[-1] = "…"
            break
    raise Mismatch(f"shards missing: {', '.join(lacking)} ({len(there)} of {of} are there)")


def _check_list(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        if part.note.get("list") != first.note.get("list"):
            raise Mismatch(
                f"{part.path}: its list was another than that of {first.path} "
                f"({part.note.get('listed')} and {first.note.get('listed')} regions): photos came "
                "or went as they started; make the older one again, or merge with --changed"
            )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
