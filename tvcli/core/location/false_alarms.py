"""Where a locator was wrong: what it found in photos that have no object there."""

from dataclasses import dataclass, field
from pathlib import Path

from tvcli.core.boxes import Box, iou
from tvcli.core.files.formats import BoxedPhoto
from tvcli.core.files.paths import absolute_path, folder_of
from tvcli.core.files.records import read_record_file, region_from_record

NOT_THE_OBJECT = 0.3  # IoU with every object below which a detection is a false alarm
MOST = 4  # false alarms of a photo that are learned from: the surest


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What was found in photos, by their absolute paths: boxes in pixels, the surest first."""

    found: dict[str, list[Box]] = field(default_factory=dict)

    def of(self, photo: BoxedPhoto) -> list[Box]:
        """Return the boxes found in a photo that show none of its objects, at most `MOST`.

        (Hard negatives, mined once: Felzenszwalb et al. 2010, "Object detection with
        discriminatively trained part-based models", section 4.4.)
        """
        found = self.found.get(absolute_path(photo.path), [])
        wrong = [
            box for box in found if all(iou(box, o) < NOT_THE_OBJECT for o, _ in photo.objects)
        ]
        return wrong[:MOST]


NONE = FalseAlarms()


def read_false_alarms(path: Path) -> FalseAlarms:
    """Return the detections of a file that `tv locate` wrote.

    Raises:
        BadInput: it cannot be read, or a record is none; the message names file and line.
    """
    scored: dict[str, list[tuple[float, Box]]] = {}
    for record, where in read_record_file(path):
        region, score = region_from_record(record, where), record.get("score")
        if region.box is not None:
            sure = float(score) if isinstance(score, int | float) else 0.0
            photo = absolute_path(folder_of(path) / region.image)
            scored.setdefault(photo, []).append((-sure, region.box))
    return FalseAlarms({photo: [box for _, box in sorted(of)] for photo, of in scored.items()})
