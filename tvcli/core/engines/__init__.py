"""Search structures, which find the rows closest to a query; the vectors are the truth.

Read: `interface`, `exact`, `approximate`, `annoy_file`, `annoy`, `faiss`, `search_budget`,
`structures`, `conditions`, `condition_grammar`, `postgres`, `names`.
"""

from tvcli.core.engines.approximate import Approximate, Structure
from tvcli.core.engines.exact import Exact
from tvcli.core.engines.interface import Engine, Found, Gallery, Mask, Rows, Vectors, merge
from tvcli.core.engines.search_budget import choose_budget
from tvcli.core.engines.structures import STRUCTURES, build_structure, open_structure, why_not

EXACT_UNTIL = 200_000  # rows; above, annoy answers a cold search sooner (docs/notes/benchmarks.md)

__all__ = [
    "EXACT_UNTIL",
    "STRUCTURES",
    "Approximate",
    "Engine",
    "Exact",
    "Found",
    "Gallery",
    "Mask",
    "Rows",
    "Structure",
    "Vectors",
    "build_structure",
    "choose_budget",
    "merge",
    "open_structure",
    "why_not",
]
