"""An encoder's settings by the names that a person knows, and in which of them two differ."""

from typing import Any

from tvcli.core.backbones.mini_files import name_to_ask_for

WEIGHTS_SHOWN = 12  # digits of their hash


def named_settings(spec: dict[str, Any]) -> dict[str, Any]:
    """Return an encoder's settings by the names of options; of mini the generation."""
    backbone = spec["backbone"]
    return {**spec, "backbone": name_to_ask_for(backbone), "layer": backbone["layer"]}


def in_which_settings(spec: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Return in which settings an encoder differs from another: `size 96, not 168`."""
    one, other = (
        {**named_settings(each), "weights": each["backbone"]["weights"][:WEIGHTS_SHOWN]}
        for each in (spec, wanted)
    )
    if one["pool"] == "none":  # maps can still be pooled
        other["pool"] = "none"
    if one["backbone"] != other["backbone"]:  # with other weights, of course
        one["weights"] = other["weights"]
    differing = (name for name in {**one, **other} if one.get(name) != other.get(name))
    told = (f"{n} {one.get(n) or 'default'}, not {other.get(n) or 'default'}" for n in differing)
    return "; ".join(told) or "the input of its backbone"
