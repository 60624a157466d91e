"""A change: what is drawn by chance, told apart from what it does to a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from tvcli.core.images.copies.transforms import IDENTITY, Transform

Parameters = dict[str, Any]
Colour = list[int]


class Rng(np.random.Generator):
    """What parameters are drawn from, as values of JSON."""

    def between(self, low: float, high: float) -> float:
        """Return a number from a range, as short as it is written."""
        return round(float(self.uniform(low, high)), 4)

    def one_of(self, names: tuple[str, ...]) -> str:
        """Return one of some names."""
        return names[int(self.integers(len(names)))]

    def seed(self) -> int:
        """Return a seed for what has too many numbers to be written down."""
        return int(self.integers(2**31))

    def colour(self) -> Colour:
        """Return red, green and blue."""
        return [int(value) for value in self.integers(0, 256, 3)]


@dataclass(frozen=True, slots=True)
class Copy:
    """A changed picture and where the original lies in it.

    `transform` (3, 3) float64 maps pixels of the picture that was changed to pixels of `image`; the
    corners of a picture are 0, 0 and its width, height.
    """

    image: Image.Image
    transform: Transform


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happens to pictures: `draw` gives its parameters, `apply` takes them.

    Parameters are values of JSON, relative to the picture's sides where they are lengths, so that
    they can be written beside a copy and say how it was made. With `uses_other` another picture
    (None: there is no other) comes into the copy: `apply` takes it as `other`.
    """

    draw: Callable[[Rng], Parameters]
    apply: Callable[..., Copy]
    uses_other: bool = False

    def copy(
        self, image: Image.Image, parameters: Parameters, other: Image.Image | None = None
    ) -> Copy:
        """Return a changed copy of an RGB picture, as parameters say."""
        return self.apply(image, **({"other": other} if self.uses_other else {}), **parameters)


def in_place(function: Callable[..., Image.Image]) -> Callable[..., Copy]:
    """Return what applies a change after which all is where it was."""
    return lambda image, **parameters: Copy(function(image, **parameters), IDENTITY)
