"""A change: what is drawn by chance, told apart from what it does to a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

Rng = np.random.Generator
Parameters = dict[str, Any]
Colour = list[int]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happens to pictures: `draw` gives its parameters, `apply` takes them.

    Parameters are values of JSON, relative to the picture's sides where they are lengths, so that
    they can be written beside a copy and say how it was made.
    """

    draw: Callable[[Rng], Parameters]
    apply: Callable[..., Image.Image]

    def __call__(self, image: Image.Image, rng: Rng) -> Image.Image:
        """Return a changed copy of an RGB picture."""
        return self.apply(image, **self.draw(rng))


def between(rng: Rng, low: float, high: float) -> float:
    """Return a number from a range, as short as it is written."""
    return round(float(rng.uniform(low, high)), 4)


def any_colour(rng: Rng) -> Colour:
    """Return red, green and blue."""
    return [int(value) for value in rng.integers(0, 256, 3)]
