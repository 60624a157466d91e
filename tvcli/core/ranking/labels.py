"""Labels of photos: their parent folder, or a file of records."""

import os
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import absolute_path, folder_of
from tvcli.core.files.records import read_record_file, region_from_record
from tvcli.core.files.spellings import as_on_disk
from tvcli.core.reports import Report


def folder_label(image: str) -> str:
    """Return the name of the folder that a photo lies in."""
    # Of each photo, and several times as fast as os.path, let alone Path.
    folder = image.rpartition(os.sep)[0]
    if folder.endswith(os.sep):  # two in a row
        return os.path.basename(os.path.dirname(image))  # noqa: PTH119, PTH120
    return folder.rpartition(os.sep)[2]


def read_labels(path: Path, report: Report) -> dict[str, str]:
    """Return the label of each photo (absolute path) of a file of {"image","label"} records.

    A photo whose label is empty has none; of one with two labels, which is told, the last counts.

    Raises:
        BadInput: not there, no record has a label, or one is without image.
    """
    labels: dict[str, str] = {}
    again: dict[str, str] = {}
    blank, folder = 0, folder_of(path)
    for record, where in read_record_file(path):
        region = region_from_record(record, where)
        image = as_on_disk(absolute_path(folder / region.image))
        if not region.label:
            blank += 1
            continue
        if labels.setdefault(image, region.label) != region.label:
            again.setdefault(image, labels[image])
            labels[image] = region.label
    if not labels:
        raise BadInput(f'{path}: no record has a label: {{"image": …, "label": …}} is needed')
    if blank:
        report.note(f"warning: {path}: {blank} records without a label are passed over")
    if again:
        image, first = next(iter(again.items()))
        report.note(
            f"warning: {path}: {len(again)} photos have two labels, of which the last counts: "
            f"{image} is {first!r} and {labels[image]!r}"
        )
    return labels
