"""tv: image-similarity search that people train on their own pictures.

From Python, `import tvcli` offers what the commands do; nothing is loaded before it is used:

    import tvcli

    tvcli.build_index("photos/", "photos.tvx")
    with tvcli.open_index("photos.tvx") as index:
        print(index.search("img.jpg", k=5))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvcli.api.building import build_index as build_index
    from tvcli.api.encoding import EncodedFile as EncodedFile
    from tvcli.api.encoding import Encoder as Encoder
    from tvcli.api.encoding import encode as encode
    from tvcli.api.evaluation import Evaluation as Evaluation
    from tvcli.api.evaluation import Metric as Metric
    from tvcli.api.evaluation import evaluate as evaluate
    from tvcli.api.hits import Hit as Hit
    from tvcli.api.hits import Hits as Hits
    from tvcli.api.index import Changes as Changes
    from tvcli.api.index import Index as Index
    from tvcli.api.index import open_index as open_index
    from tvcli.api.labels import Label as Label
    from tvcli.api.labels import Labels as Labels
    from tvcli.api.location import Crops as Crops
    from tvcli.api.location import Detection as Detection
    from tvcli.api.location import Detections as Detections
    from tvcli.api.location import TrainedBoxes as TrainedBoxes
    from tvcli.api.location import TrainedClassifier as TrainedClassifier
    from tvcli.api.location import locate as locate
    from tvcli.api.location import make_crops as make_crops
    from tvcli.api.location import train_boxes as train_boxes
    from tvcli.api.location import train_classifier as train_classifier
    from tvcli.api.matching import Duplicate as Duplicate
    from tvcli.api.matching import DuplicateGroup as DuplicateGroup
    from tvcli.api.matching import DuplicateGroups as DuplicateGroups
    from tvcli.api.matching import SamePicture as SamePicture
    from tvcli.api.matching import find_duplicates as find_duplicates
    from tvcli.api.matching import same_picture as same_picture
    from tvcli.api.ranking import TrainedRank as TrainedRank
    from tvcli.api.ranking import Triplets as Triplets
    from tvcli.api.ranking import make_triplets as make_triplets
    from tvcli.api.ranking import train_rank as train_rank
    from tvcli.core.errors import BadInput as BadInput
    from tvcli.core.errors import Mismatch as Mismatch
    from tvcli.core.errors import TvError as TvError
    from tvcli.core.errors import UsageError as UsageError
    from tvcli.core.reports import Report as Report

__version__ = "0.1.0"

_NAMES = {
    "tvcli.api.building": ("build_index",),
    "tvcli.api.encoding": ("EncodedFile", "Encoder", "encode"),
    "tvcli.api.evaluation": ("Evaluation", "Metric", "evaluate"),
    "tvcli.api.hits": ("Hit", "Hits"),
    "tvcli.api.index": ("Changes", "Index", "open_index"),
    "tvcli.api.labels": ("Label", "Labels"),
    "tvcli.api.location": (
        "Crops",
        "Detection",
        "Detections",
        "TrainedBoxes",
        "TrainedClassifier",
        "locate",
        "make_crops",
        "train_boxes",
        "train_classifier",
    ),
    "tvcli.api.matching": (
        "Duplicate",
        "DuplicateGroup",
        "DuplicateGroups",
        "SamePicture",
        "find_duplicates",
        "same_picture",
    ),
    "tvcli.api.ranking": ("TrainedRank", "Triplets", "make_triplets", "train_rank"),
    "tvcli.core.errors": ("BadInput", "Mismatch", "TvError", "UsageError"),
    "tvcli.core.reports": ("Report",),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "BadInput",
    "Changes",
    "Crops",
    "Detection",
    "Detections",
    "Duplicate",
    "DuplicateGroup",
    "DuplicateGroups",
    "EncodedFile",
    "Encoder",
    "Evaluation",
    "Hit",
    "Hits",
    "Index",
    "Label",
    "Labels",
    "Metric",
    "Mismatch",
    "Report",
    "SamePicture",
    "TrainedBoxes",
    "TrainedClassifier",
    "TrainedRank",
    "Triplets",
    "TvError",
    "UsageError",
    "build_index",
    "encode",
    "evaluate",
    "find_duplicates",
    "locate",
    "make_crops",
    "make_triplets",
    "open_index",
    "same_picture",
    "train_boxes",
    "train_classifier",
    "train_rank",
]


if not TYPE_CHECKING:  # a type checker is to refuse names that there are none of

    def __getattr__(name: str) -> Any:
        """Load what is offered when it is first asked for."""
        if name not in _HOMES:
            raise AttributeError(f"module 'tvcli' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return all names, those not loaded yet as well."""
    return sorted({*globals(), *__all__})
