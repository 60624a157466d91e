"""Layers by name: the error for one that is not there, with the names near it."""

from collections.abc import Iterable
from difflib import get_close_matches

from tvcli.core.errors import UsageError

NEAR = 5  # names proposed


def no_such_layer(layer: str, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown layer: names like it, else the outermost ones there are."""
    names = list(dict.fromkeys(known))
    near = get_close_matches(layer, names, NEAR, cutoff=0.6)
    if near:
        return UsageError(f"no layer {layer!r} in this backbone: did you mean {', '.join(near)}?")
    tops = dict.fromkeys(name.split(".")[0] for name in names)
    return UsageError(f"no layer {layer!r} in this backbone; it has {', '.join(tops)}, …")
