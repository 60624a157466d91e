"""Boxes proposed by a prototype that is made anew, in closed form, of the boxes drawn so far."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, as_box, iou
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.images.photo import BadImage, decode_photo, read_photo, resize_photo
from tvcli.core.location.prototype import Prototype, fit_prototype
from tvcli.serve.answers import Refused
from tvcli.serve.box_file import BoxFile
from tvcli.serve.collection import Collection
from tvcli.serve.proposals import Proposals, Shown
from tvcli.serve.turns import decoding

MAPS_KEPT = 4096  # 62 kB each
MOST_LEARNED = 300  # photos that the prototype is made of, the last ones: a third of a second
JUDGED = 20  # photos, the last ones, over which it is told how good proposals are


class LearnedProposals(Proposals):
    """Proposals that learn from every photo that is done; each is judged by the next one done.

    A photo's proposal was made without its boxes, so their IoU is one of held-out photos. Nothing
    is kept but in memory: the boxes on disk are all that it is made of.
    """

    learns = True

    def __init__(self, collection: Collection, file: BoxFile) -> None:
        super().__init__(self._by_prototype, collection)
        self._file, self._encoder = file, make_encoder("mini")
        self._map = lru_cache(MAPS_KEPT)(self._encoded)
        self._prototype: Prototype | None = None
        self._stale = True
        self._first: dict[int, Box] = {}  # what was proposed for each photo before it was done
        self._ious: dict[int, float] = {}

    def of(self, place: int) -> list[Shown]:
        """Return what is proposed for a photo, by all boxes that are drawn so far."""
        found = super().of(place)
        if found:
            self._first.setdefault(place, as_box(found[0]["box"]))
        return found

    def saved(self, place: int) -> None:
        """Learn from a photo whose boxes were saved: what is proposed for the others is void."""
        boxes, proposed = self._boxes(place), self._first.get(place)
        if boxes and proposed and place not in self._ious:
            self._ious[place] = max(iou(proposed, box) for box in boxes)
        self._stale = True
        self.renew()

    def quality(self) -> dict[str, Any] | None:
        """Return the mean IoU of the last proposals with the boxes drawn; None before any."""
        last = list(self._ious.values())[-JUDGED:]
        return {"photos": len(last), "iou": round(float(np.mean(last)), 3)} if last else None

    def _prepare(self, place: int) -> None:
        """Keep the map of a photo, so that proposals come at once when there is a box."""
        with suppress(BadImage, Refused):
            self._map(self._collection.path(place))

    def _by_prototype(self, path: Path) -> list[Shown]:
        if self._stale:
            self._stale = False
            self._prototype = self._learned()
        if self._prototype is None:
            return []
        map_, width, height = self._map(path)
        (x0, y0, x1, y1), score = self._prototype.propose(map_.astype(np.float32))
        box = [round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)]
        return [{"box": box, "label": self._file.last()[1], "score": round(score, 4)}]

    def _learned(self) -> Prototype | None:
        maps, boxes = [], []
        places = range(len(self._collection))
        done = [p for p in places if self._file.count(p) or self._file.is_empty(p)]
        for place in done[-MOST_LEARNED:]:
            try:
                map_, width, height = self._map(self._collection.path(place))
            except (BadImage, Refused):
                continue
            maps.append(map_.astype(np.float32))
            boxes.append([_relative(box, width, height) for box in self._boxes(place)])
        return fit_prototype(maps, boxes)

    def _boxes(self, place: int) -> list[Box]:
        return [as_box(shown["box"]) for shown in self._file.boxes(place)]

    def _encoded(self, path: Path) -> tuple[npt.NDArray[np.float16], int, int]:
        """Return the map (C, h, w) of a whole photo, and its width and height."""
        settings, data = self._encoder.settings, read_photo(path)
        with decoding(data):
            photo = decode_photo(data, size=settings.size, colour=settings.colour)
        pixels = resize_photo(photo, settings.size, settings.size)[None]
        map_ = self._encoder.network.rows(pixels, lambda maps: maps)[0]
        return map_.astype(np.float16), photo.width, photo.height


def _relative(box: Box, width: int, height: int) -> Box:
    return box[0] / width, box[1] / height, box[2] / width, box[3] / height
