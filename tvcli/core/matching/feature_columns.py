"""Key points in files: as columns of equal length, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tvcli.core.files.artifacts import Columns
from tvcli.core.matching.features import COLOUR, COUNT, LENGTHS, PREVIEW, Keypoints, Method, Pixels


def as_columns(described: Sequence[Keypoints]) -> Columns:
    """Return key points (COUNT of each photo at most) as columns of a `keypoints` file."""
    rows = len(described)
    length = LENGTHS[described[0].method if described else "orb"]
    columns: dict[str, Any] = {
        "descriptors": np.zeros((rows, COUNT, length), np.uint8),
        "points": np.zeros((rows, COUNT, 2), np.float32),
        "preview": np.zeros((rows, PREVIEW, PREVIEW), np.uint8),
        "colour": np.zeros((rows, COLOUR, COLOUR, 3), np.uint8),
        "count": np.array([min(len(keypoints), COUNT) for keypoints in described], np.int32),
        "sides": np.zeros((rows, 2), np.int32),
        "colour_sides": np.zeros((rows, 2), np.int32),
        "region": np.zeros((rows, 4), np.float32),
    }
    for row, keypoints in enumerate(described):
        count, (height, width) = columns["count"][row], keypoints.preview.shape
        columns["descriptors"][row, :count] = keypoints.descriptors[:count]
        columns["points"][row, :count] = keypoints.points[:count]
        columns["preview"][row, :height, :width] = keypoints.preview
        columns["sides"][row], columns["region"][row] = (height, width), keypoints.region
        height, width, _ = keypoints.colour.shape
        columns["colour"][row, :height, :width] = keypoints.colour
        columns["colour_sides"][row] = height, width
    return columns


COLUMNS = tuple(as_columns([]))  # their names
POINTS = ("descriptors", "points", "count", "region")  # those without the small pictures


def from_columns(columns: Columns, method: Method) -> list[Keypoints]:
    """Return the key points of the rows of some columns, without pictures if they are not there."""
    return [_row(columns, row, method) for row in range(len(columns["count"]))]


def _row(columns: Columns, row: int, method: Method) -> Keypoints:
    count = columns["count"][row]
    x0, y0, x1, y1 = columns["region"][row].tolist()
    return Keypoints(
        points=columns["points"][row, :count],
        descriptors=columns["descriptors"][row, :count],
        preview=_picture(columns, row, "preview", "sides"),
        region=(x0, y0, x1, y1),
        method=method,
        colour=_picture(columns, row, "colour", "colour_sides"),
    )


def _picture(columns: Columns, row: int, name: str, sides: str) -> Pixels:
    if name not in columns:
        return np.zeros((0, 0), np.uint8)
    height, width = columns[sides][row]
    return np.ascontiguousarray(columns[name][row, :height, :width])
