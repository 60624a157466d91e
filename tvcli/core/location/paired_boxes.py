"""Detections and true boxes of two files, photo by photo."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.external_sort import external_sort
from tvcli.core.files.paths import absolute_path, folder_of
from tvcli.core.files.records import Record, read_record_file, region_from_record
from tvcli.core.location.detection_matching import Boxes

Labelled = dict[str, Boxes]  # of one photo, by label


@dataclass(slots=True)
class Detections:
    """A file of detections, and what turned out when it was read."""

    path: Path
    any: bool = False
    labelled: bool = False
    shared: bool = False  # a photo of it is one of the truth's

    def __iter__(self) -> Iterator[Record]:
        for record in _flat(self.path, true=False):
            self.any = True
            self.labelled |= bool(record["box"] and record["label"])
            yield record


def paired(detections: Detections, truth: Path) -> Iterator[tuple[Labelled, Labelled]]:
    """Yield the detections and the true boxes of each photo that the truth names, by label.

    Both files are sorted by photo first, so all has been read when the first photo comes.
    """
    every = chain(detections, _flat(truth, true=True))
    ordered = external_sort(every, key=lambda record: record["photo"])
    for _, group in groupby(ordered, key=lambda record: record["photo"]):
        sides: tuple[Labelled, Labelled] = {}, {}
        named = [False, False]
        for record in group:
            named[record["true"]] = True
            if record["box"] is not None:
                boxes = sides[record["true"]].setdefault(record["label"], Boxes())
                boxes.boxes.append(record["box"])
                boxes.scores.append(record["score"])
        detections.shared |= all(named)
        if named[True]:
            yield sides


def _flat(path: Path, *, true: bool) -> Iterator[Record]:
    for record, where in read_record_file(path):
        region, score = region_from_record(record, where), record.get("score", 1.0)
        if not isinstance(score, int | float):
            raise BadInput(f'{where}: "score" must be a number')
        photo = absolute_path(folder_of(path) / region.image)
        about: Record = {"photo": photo, "true": true, "label": region.label}
        yield about | {"box": region.box, "score": float(score)}
