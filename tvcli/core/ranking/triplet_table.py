"""A file of triplets as a table: the items that it names, each once, and those of each triplet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import folder_of
from tvcli.core.files.records import MAX_LINE, read_records, record_stream
from tvcli.core.files.strict_json import parse_json
from tvcli.core.ranking.triplets import MOST_KNOWN, SPLITS, Item, Items, Triplet, item_of

STDIN = "-"
OnFault = Callable[[str, str], object]  # where a triplet stands, and what is wrong with it
BLOCK = 4 * 2**20  # bytes of a file that are taken apart at a time
# A line that `write_triplets` wrote, cut at the braces that end its items and itself, is what
# stands before each item with the item, and the split.
BEFORE = (b'\n{"anchor": ', b', "positive": ', b', "negative": ')
SPLIT = {f', "split": "{split}"'.encode(): split == "test" for split in SPLITS}

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TripletTable:
    """Items in the order in which triplets name them, and the `numbers` (T, 3) of those of each.

    Anchor, positive and negative. `testing` (T,) tells which are of the test split.
    """

    items: list[Item]
    numbers: Rows
    testing: Mask

    def __len__(self) -> int:
        return len(self.numbers)


def read_triplet_table(path: Path, stdin: IO[bytes] | None, on_fault: OnFault) -> TripletTable:
    """Read triplets; paths are relative to the file's folder, for `-` (stdin) to the current one.

    Those whose anchor, positive and negative are not three are left out, and told to `on_fault`.

    Raises:
        BadInput: not there, empty, or a record that is no triplet; the message gives its line.
    """
    items, lines = _Numbered(str(folder_of(path))), 0
    blocks: list[Rows] = []
    tests: list[Mask] = []
    others: list[list[int]] = []
    others_test: list[bool] = []
    given = nullcontext(stdin) if stdin and str(path) == STDIN else record_stream(path)
    with given as stream:
        for found, testing in items.written(stream):
            sound = items.sound(found, path, lines, on_fault)
            blocks.append(found[sound])
            tests.append(testing[sound])
            lines += len(found)
        empty, read = not lines, Items(folder_of(path))
        for record, where in read_records(stream, str(path), lines):
            empty = False
            triplet = read.triplet_of(record, where)
            if triplet.fault:
                on_fault(where, triplet.fault)
            else:
                others.append(items.numbers(triplet))
                others_test.append(triplet.split == "test")
    if empty:
        raise BadInput(f"{path}: no triplets in it; make some with tv triplets")
    blocks.append(np.array(others, np.intp).reshape(-1, 3))
    tests.append(np.array(others_test, np.bool_))
    return _compact(items.items, np.concatenate(blocks), np.concatenate(tests))


class _Numbered:
    """Numbers the items of a file of triplets, from 0 on as they are found."""

    def __init__(self, folder: str) -> None:
        self.items: list[Item] = []
        self._folder = folder
        self._numbers: dict[Item, int] = {}
        self._photos: dict[str, int] = {}
        self._photo_of: list[int] = []  # by the item's number
        self._of_texts: dict[bytes, int] = {}  # bare, and with what stands before the item

    def numbers(self, triplet: Triplet) -> list[int]:
        """Return the numbers of its anchor, positive and negative."""
        return [self._number(item) for item in triplet.items]

    def _number(self, item: Item) -> int:
        found = self._numbers.setdefault(item, len(self.items))
        if found == len(self.items):
            self.items.append(item)
            self._photo_of.append(self._photos.setdefault(item.image, len(self._photos)))
        return found

    def written(self, stream: IO[bytes]) -> Iterator[tuple[Rows, Mask]]:
        """Yield triplets (n, 3) and which are tests, for as long as lines are as we write them.

        The stream is left where the rest begins, all of it if it is a pipe.
        """
        while stream.seekable():
            start = stream.tell()
            block = stream.read(BLOCK)
            block += stream.readline(MAX_LINE)
            found = self._written_block(block) if block else None
            if found is None:
                stream.seek(start)
                return
            yield found

    def _written_block(self, block: bytes) -> tuple[Rows, Mask] | None:
        """Return the triplets of whole lines; None where one is not as `write_triplets` does it."""
        parts = (b"\n" + block.removesuffix(b"\n")).split(b"}")
        if parts.pop() or len(parts) % 4:
            return None
        *roles, splits = (parts[place::4] for place in range(4))
        try:
            columns = [
                self._numbers_of(texts, before) for texts, before in zip(roles, BEFORE, strict=True)
            ]
            testing = _looked_up(SPLIT, splits)
        except (BadInput, ValueError, KeyError):
            return None  # what is wrong with a line is for who reads it alone to say
        return np.stack(columns, axis=1), testing.astype(np.bool_)

    def _numbers_of(self, texts: list[bytes], before: bytes) -> Rows:
        """Return the numbers (n,) of items, by their texts without the last brace.

        Raises:
            BadInput, ValueError: one is no item, or not on one line after what stands `before`.
        """
        known, size = self._of_texts, len(before)
        if len(known) > MOST_KNOWN:
            known.clear()
        new = set(texts).difference(known)
        if not all(text.startswith(before + b"{") and text.find(b"\n", 1) < 0 for text in new):
            raise ValueError("not as write_triplets does it")
        bare = [text[size:] for text in new]
        self._learn(list(set(bare).difference(known)))
        known.update(zip(new, [known[text] for text in bare], strict=True))
        return _looked_up(known, texts)

    def _learn(self, texts: list[bytes]) -> None:
        """Number the items that texts are of, each without its last brace."""
        if not texts:
            return
        # All at once, which takes half the time. None has a brace that closes but its last, so that
        # there are as many values as texts only if each text is one.
        values = parse_json(b"[" + b"},".join(texts) + b"}]")
        for text, value in zip(texts, values, strict=True):
            self._of_texts[text] = self._number(item_of(value, "", "", self._folder))

    def sound(self, numbers: Rows, path: Path, before: int, on_fault: OnFault) -> Mask:
        """Return which of triplets (n, 3), which `before` lines precede, teach something."""
        photos = _looked_up(self._photo_of, numbers.ravel().tolist()).reshape(-1, 3)
        first, second, third = photos.T
        sound = np.ones(len(numbers), np.bool_)
        for place in np.flatnonzero((first == second) | (first == third) | (second == third)):
            fault = Triplet(*(self.items[number] for number in numbers[place])).fault
            if fault:
                on_fault(f"{path}:{before + place + 1}", fault)
                sound[place] = False
        return sound


def _looked_up(found: Any, keys: list[Any]) -> Rows:
    """Return what a list or dictionary of numbers has for keys: (n,)."""
    return np.fromiter(map(found.__getitem__, keys), np.intp, len(keys))


def _compact(items: Sequence[Item], numbers: Rows, testing: Mask) -> TripletTable:
    """Return a table of the items that triplets have, in their order."""
    named = numbers.ravel()
    first = np.full(len(items), len(named))
    first[named[::-1]] = np.arange(len(named))[::-1]  # of those named twice the last one counts
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(named))]
    places = np.empty(len(items), np.intp)
    places[order] = np.arange(len(order))
    return TripletTable([items[number] for number in order], places[numbers], testing)
