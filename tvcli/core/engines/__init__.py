"""Search structures, which find the rows closest to a query; the vectors are the truth."""

from tvcli.core.engines.annoy import TREES, Annoy, build_forest, choose_effort, open_forest
from tvcli.core.engines.annoy_file import stamp_of
from tvcli.core.engines.exact import Exact
from tvcli.core.engines.interface import Engine, Found, Gallery, Mask, Rows, Vectors, merge

EXACT_UNTIL = 200_000  # rows; above, annoy answers a cold search sooner (docs/benchmarks.md)

__all__ = [
    "EXACT_UNTIL",
    "TREES",
    "Annoy",
    "Engine",
    "Exact",
    "Found",
    "Gallery",
    "Mask",
    "Rows",
    "Vectors",
    "build_forest",
    "choose_effort",
    "merge",
    "open_forest",
    "stamp_of",
]
