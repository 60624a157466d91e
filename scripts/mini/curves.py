"""The curves of a training run (needs matplotlib, which only this script uses)."""

import json
from pathlib import Path

TERMS = ("pooled", "angle", "places", "class", "contrast", "kind", "neighbours")


def logged(log: Path) -> list[dict[str, float]]:
    """Return the lines in order; a step that ran again after a stop counts as it ran last."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for _, line in sorted({line["step"]: line for line in lines}.items())]


def plot(log: Path, picture: Path) -> None:
    """Draw every term of the loss against the minutes; say so where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print(f"no matplotlib: {picture} is not drawn; the numbers are in {log}")
        return
    lines = logged(log)
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="minutes", ylabel="loss", yscale="log")
    for term in TERMS:
        axes.plot([x["elapsed"] / 60 for x in lines], [x[term] for x in lines], label=term)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))  # beside the curves, not on them
    figure.savefig(picture, dpi=120)
