"""What a person said is not the same, whatever it looks like: pairs, by content."""

from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import absolute_path, folder_of
from tvcli.core.files.records import Record, read_record_file

Digests = Callable[[str], str | None]  # the digest of the photo at a path, if it is known


class Decisions:
    """Which photos are said to be different pictures, by the digests of their content."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = {frozenset(pair) for pair in pairs if pair[0] != pair[1]}

    def __len__(self) -> int:
        return len(self._pairs)

    def differ(self, first: str, second: str) -> bool:
        """Tell whether two digests are said to be different pictures."""
        return frozenset((first, second)) in self._pairs


def read_decisions(path: Path, digest_of: Digests) -> Decisions:
    """Read which photos are not the same: all that a line names differ from each other.

    A line is a group as `tv dedupe` writes it, or names photos as `digests` or as `images`, whose
    paths are relative to the file's folder. Photos that are not known any more are passed over.

    Raises:
        BadInput: a line is no such record.
    """
    pairs: list[tuple[str, str]] = []
    folder = folder_of(path)
    for record, where in read_record_file(path):
        named = [_digest(entry, folder, digest_of, where) for entry in _entries(record, where)]
        pairs += combinations([digest for digest in named if digest], 2)
    return Decisions(pairs)


def _entries(record: Record, where: str) -> list[Record]:
    if isinstance(members := record.get("members"), list):
        entries = members
    elif isinstance(digests := record.get("digests"), list):
        entries = [{"digest": digest} for digest in digests]
    elif isinstance(images := record.get("images"), list):
        entries = [{"image": image} for image in images]
    else:
        raise BadInput(f'{where}: names no photos: "members", "digests" or "images" is needed')
    if len(entries) < 2 or not all(isinstance(entry, dict) for entry in entries):
        raise BadInput(f"{where}: at least two photos are needed")
    return entries


def _digest(entry: Record, folder: Path, digest_of: Digests, where: str) -> str | None:
    digest, image = entry.get("digest"), entry.get("image")
    if isinstance(digest, str):
        return digest
    if isinstance(image, str) and "\0" not in image:
        return digest_of(absolute_path(folder / image))
    raise BadInput(f'{where}: a photo is named by its "digest" or its "image"')
