"""The kinds of files, declared as data: their versions, datasets, dtypes and shapes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

TEXT = "text"
FIELDS = "fields"  # any fields of a row: a group of typed columns, see `field_columns`
COLUMN_CHUNK = 1024  # rows per chunk of the narrow columns
CHUNK_BYTES = 2**16  # of the wide ones, such as key points: each chunk takes 5 us at every start


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of a kind: its dtype (or TEXT), its shape after the rows, whether it must be."""

    dtype: str
    tail: tuple[int, ...] | None = ()  # None: any, and then chunks of wide rows hold few of them
    required: bool = True
    blank: Any = None  # the value that means "not known"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its name, the version written today, its datasets, the oldest read."""

    name: str
    version: int
    datasets: dict[str, Dataset] = field(default_factory=dict)
    oldest: int = 1


ROW_COLUMNS = {
    "image": Dataset(TEXT, blank=""),
    "region": Dataset("f4", (4,)),
    "digest": Dataset(TEXT, blank=""),
    "box": Dataset("f4", (4,), required=False, blank=np.nan),
    "label": Dataset(TEXT, required=False, blank=""),
    "split": Dataset(TEXT, required=False, blank=""),
    "flip": Dataset("?", required=False, blank=False),
    "target": Dataset(TEXT, required=False, blank=""),
    "asked": Dataset(TEXT, required=False, blank=""),  # which regions of the photo were, hashed
    "position": Dataset("i8", required=False, blank=-1),  # in the whole list, where it is a shard
    "fields": Dataset(FIELDS, required=False),
}
LENGTH = {"length": Dataset("f4", required=False, blank=np.nan)}  # before it was made 1
KEYPOINT_COLUMNS = {
    "descriptors": Dataset("u1", None),  # (N, K, bytes): the first `count` of a row are known
    "points": Dataset("f4", None),  # (N, K, 2): x, y in pixels of the photo
    "count": Dataset("i4"),
    "preview": Dataset("u1", None),  # (N, side, side): the first `sides` of a row are the picture
    "sides": Dataset("i4", (2,)),  # height, width
    "colour": Dataset("u1", None),  # (N, side, side, 3): smaller, of which `colour_sides` are known
    "colour_sides": Dataset("i4", (2,)),
    "image": Dataset(TEXT, blank=""),
    "region": Dataset("f4", (4,)),
    "digest": Dataset(TEXT, blank=""),
}
WORD_COLUMNS = {
    "words": Dataset("u2", None),  # (N, K): of each key point, 65535 where there are fewer
    "image": Dataset(TEXT, blank=""),
    "region": Dataset("f4", (4,)),
    "digest": Dataset(TEXT, blank=""),
}
KINDS = {
    kind.name: kind
    for kind in (
        Kind("encodings", 1, {"encodings": Dataset("f2", None), **ROW_COLUMNS}),
        Kind("embeddings", 1, {"embeddings": Dataset("f2", None), **ROW_COLUMNS, **LENGTH}),
        Kind("head", 1),
        Kind("fields", 1, {"image": Dataset(TEXT), "fields": Dataset(FIELDS, required=False)}),
        Kind("keypoints", 2, KEYPOINT_COLUMNS, oldest=2),  # version 1 had no colours
        Kind("words", 1, WORD_COLUMNS),
    )
}

NUMBER = (int, float)
TEXT_OR_NONE = (str, type(None))
# The types of settings, where they are there: a list of one type, or an object of settings.
SETTINGS: dict[str, Any] = {
    "root": str,
    "root_absolute": str,
    "weights_file": TEXT_OR_NONE,
    "head": str,
    "exif": bool,
    "exclude": [str],
    "edited_fields": {"file": str, "rows": int},
    "calibration": {"similarities": [NUMBER], "probabilities": [NUMBER]},
    "pool": str,
    "window": [int],
    "threshold": NUMBER,
    "drawn_from": int,
    "encoder": {
        "size": int,
        "fit": str,
        "pool": str,
        "precision": str,
        "backbone": {
            "name": str,
            "layer": TEXT_OR_NONE,
            "weights": str,
            "size": int,
            "mean": [NUMBER],
            "std": [NUMBER],
            "pool": str,
        },
    },
}
