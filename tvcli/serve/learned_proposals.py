"""Boxes proposed by what was drawn so far: by a prototype at once, later by heads trained on it.

The prototype is made anew, in closed form, whenever a photo is saved; heads are trained meanwhile.
"""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, as_box, iou
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.files.records import Record
from tvcli.core.images.photo import BadImage, decode_photo, read_photo, resize_photo
from tvcli.core.location.prototype import Prototype, fit_prototype
from tvcli.serve.answers import Refused
from tvcli.serve.background_training import BackgroundTraining
from tvcli.serve.box_file import BoxFile
from tvcli.serve.collection import Collection
from tvcli.serve.proposals import Proposals, Shown, locate_in
from tvcli.serve.turns import decoding

MAPS_KEPT = 4096  # 62 kB each
MOST_LEARNED = 300  # photos that the prototype is made of, the last ones: a third of a second
JUDGED = 20  # photos, the last ones, over which it is told how good proposals are


class LearnedProposals(Proposals):
    """Proposals that learn from every photo that is done; each is judged by the next one done.

    A photo's proposal was made without its boxes, so their IoU is one of held-out photos. Nothing
    is kept but in memory: the boxes on disk are all that it is made of. Trained heads propose as
    soon as there are any; where they find nothing, the prototype does.

    Raises:
        UsageError, BadInput: heads cannot be kept in the folder `keep`.
    """

    learns = True

    def __init__(self, collection: Collection, file: BoxFile, keep: Path | None = None) -> None:
        super().__init__(self._proposed, collection)
        self._file, self._encoder = file, make_encoder("mini")
        self._map = lru_cache(MAPS_KEPT)(self._encoded)
        self._prototype: Prototype | None = None
        self._stale = True
        self._first: dict[int, Box] = {}  # what was proposed for each photo before it was done
        self._ious: dict[int, float] = {}
        self.training = BackgroundTraining(self._records, self.renew, keep)

    def start(self, places: list[int]) -> None:
        """Look at photos on a thread, and train on the boxes that are there already."""
        super().start(places)
        self._consider()

    def stop(self) -> None:
        """Look at no more photos, and give up what is being trained."""
        self.training.stop()
        super().stop()

    def learning(self) -> dict[str, Any]:
        """Return which heads propose, whether others are being trained, and what failed."""
        return self.training.told()

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
        if self.training.trained is None:  # heads propose the same as before
            self.renew()
        self._consider()

    def quality(self) -> dict[str, Any] | None:
        """Return the mean IoU of the last proposals with the boxes drawn; None before any."""
        last = list(self._ious.values())[-JUDGED:]
        return {"photos": len(last), "iou": round(float(np.mean(last)), 3)} if last else None

    def _prepare(self, place: int) -> None:
        """Keep the map of a photo, so that proposals come at once when there is a box."""
        if self.training.trained is None:
            with suppress(BadImage, Refused):
                self._map(self._collection.path(place))

    def _is_left(self, place: int) -> bool:
        return not (self._file.count(place) or self._file.is_empty(place))

    def _consider(self) -> None:
        self.training.consider(sum(map(bool, map(self._file.count, range(len(self._collection))))))

    def _records(self) -> list[Record]:
        """Return the boxes of all photos that are done, as `tv crops` reads them."""
        found: list[Record] = []
        for place in self._done():
            try:
                path = self._collection.path(place)
                width, height = self._collection.size(place)
            except (BadImage, Refused):
                continue
            about = {"image": str(path.absolute()), "width": width, "height": height}
            boxes = self._file.boxes(place)
            found += [about | {"box": one["box"], "label": one["label"]} for one in boxes]
            if not boxes:
                found.append(about | {"empty": True})
        return found

    def _done(self) -> list[int]:
        return [place for place in range(len(self._collection)) if not self._is_left(place)]

    def _proposed(self, path: Path) -> list[Shown]:
        trained = self.training.trained
        if trained is None:
            return self._by_prototype(path)
        found, last = locate_in(path, trained.locator), self._file.last()[1]
        if not found and not any(map(self._file.is_empty, range(len(self._collection)))):
            return self._by_prototype(path)
        return [box | {"label": box["label"] or last} for box in found]

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
        for place in self._done()[-MOST_LEARNED:]:
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
