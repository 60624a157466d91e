"""Labels of photos: their parent folder, or a file of records."""

from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import read_record_file, region_from_record


def folder_label(image: str) -> str:
    """Return the name of the folder that a photo lies in."""
    return Path(image).parent.name


def read_labels(path: Path) -> dict[str, str]:
    """Return the label of each photo (absolute path) of a file of {"image","label"} records.

    Raises:
        BadInput: not there, or a record without image or label.
    """
    labels: dict[str, str] = {}
    for record, where in read_record_file(path):
        region = region_from_record(record, where)
        if not region.label:
            raise BadInput(f'{where}: a record of labels needs a "label"')
        image = absolute_path(path.parent / region.image)
        labels[image] = region.label
    return labels
