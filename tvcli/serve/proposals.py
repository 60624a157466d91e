"""Boxes proposed by the user's own locator, made on a thread while the person works."""

import threading
import time
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvcli.core.images.photo import BadImage, decode_photo, read_photo
from tvcli.serve.answers import Refused
from tvcli.serve.collection import Collection
from tvcli.serve.turns import decoding

if TYPE_CHECKING:  # it brings networks
    from tvcli.core.location.locate import Locator

Shown = dict[str, Any]
Propose = Callable[[Path], list[Shown]]
MOST = 5  # boxes proposed for a photo
QUIET = 0.3  # seconds without a change, after which the others are looked at again
LONGEST = 10  # seconds that the end waits for a look
UNREADABLE = 2.0  # as sure as no photo is: those that cannot be read come last


class Proposals:
    """Proposed boxes by photo, until they are accepted or dismissed; nothing of them is on disk.

    Photos are in an order that does not shift while a person works: those that were looked at come
    least sure first, and what is looked at later is appended once they are through.
    """

    learns = False  # whether photos that are done change what is proposed for the others

    def __init__(self, propose: Propose, collection: Collection) -> None:
        self._propose, self._collection = propose, collection
        self._found: dict[int, list[Shown]] = {}
        self._sure: dict[int, float] = {}
        self._order: dict[int, None] = {}  # the photos whose place in the order is fixed
        self._turn, self._ordering = threading.Lock(), threading.Lock()
        self._touched: set[int] = set()  # photos of which some proposals were accepted or dismissed
        self._stopped, self._again = threading.Event(), threading.Event()
        self._renewed = -QUIET  # when that was asked for last, by the clock of `time.monotonic`

    def start(self, places: list[int]) -> None:
        """Look at photos one after another, on a thread of its own."""
        self._places = places
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look at no more photos, once the present one is done: a network dies ill with Python."""
        self._stopped.set()
        self._again.set()
        self._thread.join(LONGEST)

    def saved(self, place: int) -> None:
        """Take note that a photo's boxes were saved: fixed heads learn nothing from that."""

    def quality(self) -> dict[str, Any] | None:
        """Return how good proposals are on photos not learned from; None where not known."""
        return None

    def learning(self) -> dict[str, Any] | None:
        """Return what is learned meanwhile, in the words of the page; None by fixed heads."""
        return None

    def renew(self) -> None:
        """Look at all photos again whose proposals nobody has accepted or dismissed."""
        with self._turn:
            self._found = {p: found for p, found in self._found.items() if p in self._touched}
        self._renewed = time.monotonic()
        self._again.set()

    def of(self, place: int) -> list[Shown]:
        """Return what is proposed for a photo, looking at it now if that was not done yet."""
        return self._look(place)

    def put(self, place: int, left: list[Shown]) -> None:
        """Keep what is left of a photo's proposals once some are accepted or dismissed."""
        with self._turn:
            self._touched.add(place)
            self._found[place] = left

    def count(self) -> int:
        """Return how many photos were looked at."""
        return len(self._sure)

    def left(self, place: int) -> list[Shown]:
        """Return what is left of a photo's proposals, where it was looked at."""
        return self._found.get(place, [])

    def order(self, *, fresh: bool = False) -> list[int]:
        """Return all photos, the least sure first; those not looked at yet come last, by name.

        `fresh`: in a new order, of all that is known by now.
        """
        with self._ordering:
            if fresh or not self._order:
                self._order = self._sorted(())
            return [
                *self._order,
                *(p for p in range(len(self._collection)) if p not in self._order),
            ]

    def extend(self, after: int) -> bool:
        """Append what was looked at since, where no photo of the order comes after one of them."""
        with self._ordering:
            if after in self._order and after != next(reversed(self._order)):
                return False
            more = self._sorted(self._order)
            self._order |= more
            return bool(more)

    def _sorted(self, known: Container[int]) -> dict[int, None]:
        sure = {place: value for place, value in self._sure.copy().items() if place not in known}
        return dict.fromkeys(sorted(sure, key=lambda place: (sure[place], place)))

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._again.clear()
            for place in self._places:
                self._rest()
                if self._stopped.is_set():
                    return
                if self._is_left(place):
                    self._prepare(place)
                    self._look(place)
            self._again.wait()

    def _rest(self) -> None:
        """Wait while photos are saved one right after another, which looks would hold up."""
        while (left := self._renewed + QUIET - time.monotonic()) > 0:
            if self._stopped.wait(left):
                return

    def _is_left(self, place: int) -> bool:
        """Tell whether proposals for a photo are of use: what fixed heads find stays as it is."""
        return True

    def _prepare(self, place: int) -> None:
        """Do what a look at a photo needs, whatever is known by then: fixed heads need nothing."""

    def _look(self, place: int) -> list[Shown]:
        with self._turn:
            if place in self._found:
                return self._found[place]
            try:
                found = self._propose(self._collection.path(place))
                sure = max((box["score"] for box in found), default=0.0)
            except (BadImage, Refused):
                found, sure = [], UNREADABLE
            self._sure[place], self._found[place] = sure, found
            return found


def locator_of(classifier: Path, boxes: Path) -> Propose:
    """Return what proposes boxes with two heads of `tv train-classifier` and `tv train-boxes`.

    Raises:
        BadInput: a head cannot be used.
        Mismatch: they were trained on other backbones.
    """
    from tvcli.core.location.locate import LocateSettings
    from tvcli.core.location.locating import load_locator

    locator = load_locator(classifier, boxes, LocateSettings(max_objects=MOST))
    return partial(locate_in, locator=locator)


def locate_in(path: Path, locator: "Locator") -> list[Shown]:
    """Return the boxes that a locator finds in a photo, as the page shows them; raises BadImage.

    Where it tells labels apart, each is `named`: then it is not a label that the user chose.
    """
    data = read_photo(path)
    with decoding(data):
        photo = decode_photo(data, colour=locator.encoder.settings.colour)
    return [
        {
            "box": [round(side) for side in found.box],
            "label": found.label,
            "score": round(found.score, 4),
            "named": found.label_score is not None,
        }
        for found in locator.locate(photo)
    ]
