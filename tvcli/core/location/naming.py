"""Which of several labels an object has, by close looks at it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.heads import HeadFile

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Naming:
    """A linear function of a look's map for each label: `kernels` (L, C, h, w), `biases` (L,).

    Their sums with a map are the logits of the labels.
    """

    labels: tuple[str, ...]
    kernels: Floats
    biases: Floats

    @property
    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Its arrays as a head's file holds them."""
        return {"naming.kernels": self.kernels, "naming.biases": self.biases}

    def name(self, logits: npt.NDArray[np.floating[Any]]) -> tuple[str, float]:
        """Return the likeliest label by the logits (N, L) of looks, and its probability."""
        mean = logits.mean(0)
        odds = np.exp(mean - mean.max())
        best = int(odds.argmax())
        return self.labels[best], float(odds[best] / odds.sum())


def naming_of(head: HeadFile) -> Naming | None:
    """Return how a classifier's file names objects; None if it learned fewer than two labels.

    Raises:
        KeyError, TypeError, ValueError: the file is damaged.
    """
    about = head.settings.get("naming")
    if about is None:
        return None
    labels = tuple(map(str, about["labels"]))
    kernels = np.ascontiguousarray(head.state["naming.kernels"], np.float32)
    biases = np.ascontiguousarray(head.state["naming.biases"], np.float32)
    channels = head.state["reduction.axes"].shape[1]
    if kernels.shape != (len(labels), channels, *head.settings["window"]):
        raise ValueError(f"labels by kernels of {kernels.shape}")
    if len(labels) < 2 or biases.shape != (len(labels),):
        raise ValueError(f"{len(labels)} labels, with biases of {biases.shape}")
    if not (np.isfinite(kernels).all() and np.isfinite(biases).all()):
        raise ValueError("labels by kernels that are not finite")
    return Naming(labels, kernels, biases)
