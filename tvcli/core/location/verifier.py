"""The verifier: whether a close look shows the object, or something else that was taken for it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.heads import HeadFile

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A linear function of a look's map: `kernel` (C, h, w) float32, one number for each place.

    The sum of kernel and map, with `bias`, is the calibrated log-odds of a look. An object is what
    has a probability of at least `threshold` over all looks at it.
    """

    kernel: Floats
    bias: float
    threshold: float

    @property
    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Its arrays as a head's file holds them."""
        return {"verifier.kernel": self.kernel, "verifier.bias": np.array([self.bias], np.float32)}


def verifier_of(head: HeadFile) -> Verifier | None:
    """Return the verifier of a classifier's file; None if it learned from no other photos.

    Raises:
        KeyError, TypeError, ValueError: the file is damaged.
    """
    about = head.settings.get("verifier")
    if about is None:
        return None
    kernel = np.ascontiguousarray(head.state["verifier.kernel"], np.float32)
    channels = head.state["reduction.axes"].shape[1]
    if kernel.shape != (channels, *head.settings["window"]):
        raise ValueError(f"a verifier of {kernel.shape}")
    bias = np.asarray(head.state["verifier.bias"], np.float32).reshape(1)
    threshold = float(about["threshold"])
    if not (np.isfinite(kernel).all() and np.isfinite(bias[0]) and 0 <= threshold <= 1):
        raise ValueError("a verifier that is not finite")
    return Verifier(kernel, float(bias[0]), threshold)


def verified_probability(log_odds: npt.NDArray[np.floating[Any]]) -> float:
    """Return the probability that looks (N,) at one place show the object."""
    return float(1 / (1 + np.exp(-np.clip(log_odds.mean(), -50, 50))))
