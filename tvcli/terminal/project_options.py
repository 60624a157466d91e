"""What a project's `tv.toml` may set: how things are done, never where to or with whom.

A project's file may have come with somebody else's pictures. So it sets only what is declared here,
and an option that nobody declared is refused: forgetting one is safe. What is refused is still
taken from the command line, the environment and the user's own file.
"""

from pathlib import Path
from typing import Any

# How: sizes, seeds, formats, thresholds. None of them names a place, a machine or a program.
HOW = frozenset(
    [
        "all",
        "alpha",
        "backbone",
        "batch",
        "by-inliers",
        "cam",
        "candidates",
        "changed",
        "combine",
        "device",
        "dim",
        "distinct",
        "distractors",
        "effort",
        "exclude",
        "exif",
        "extend",
        "fast",
        "fit",
        "flips",
        "format",
        "from",
        "from-folders",
        "hold",
        "html",
        "json",
        "k",
        "k-reciprocal",
        "k1",
        "k2",
        "keep-empty",
        "keypoints",
        "kinds",
        "lambda",
        "layer",
        "learn",
        "limit",
        "locate",
        "looks",
        "maps",
        "margin",
        "max-objects",
        "method",
        "metric",
        "min-probability",
        "min-score",
        "mine",
        "model",
        "no-open",
        "null",
        "order",
        "others",
        "per-anchor",
        "per-photo",
        "pool",
        "precision",
        "query-expansion",
        "quiet",
        "rerank",
        "runtime",
        "sample",
        "scales",
        "seed",
        "shard",
        "shortlist",
        "size",
        "small",
        "split",
        "start",
        "steps",
        "strict",
        "test",
        "thorough",
        "threshold",
        "to",
        "unverified",
        "verify",
        "where",
    ]
)
# A file that is read, if it lies in the project's folder.
INSIDE = frozenset(("boxes", "classifier", "index", "labels", "rank", "truth", "weights"))
# How in one command, while another writes by an option of that name.
HOW_IN = frozenset((("eval search", "explain"),))
LOCAL_ENGINES = ("auto", "exact", "annoy", "faiss", "faiss-ivfpq", "faiss-hnsw")


def why_not(words: tuple[str, ...], option: str, parameter: Any, value: Any, folder: Path) -> str:
    """Return why a project's file in a folder may not set an option to a value, empty if it may."""
    if option == "engine":
        return "" if value in LOCAL_ENGINES else "names a database"
    if option in INSIDE:
        return "" if _lies_in(value, folder) else "names a file outside the project's folder"
    how = option in HOW or (" ".join(words), option) in HOW_IN
    if how and not is_place(parameter):
        return ""
    return "is not read from a project's file"


def is_place(parameter: Any) -> bool:
    """Tell whether an option names a file or a folder, going by its type."""
    return "Path" in str(parameter.type_descriptor.annotation)


def _lies_in(value: Any, folder: Path) -> bool:
    """Tell whether each path of a value, links followed, lies in a folder."""
    inside = folder.resolve()
    values = value if isinstance(value, list) else [value]
    try:
        return all(Path(str(path)).resolve().is_relative_to(inside) for path in values)
    except (OSError, ValueError, RuntimeError):  # a NUL, links in a circle
        return False
