"""Where a map's positions look: stride, offset and receptive field."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """How positions of a map lie over the pixels of its input, the same across and down.

    Position i sees the pixels from `offset - field / 2 + i * stride` on, `field` of them; `offset`
    is the centre of position 0 in half-open pixel coordinates. With `context` every position also
    depends on the whole input (squeeze-and-excitation, attention), so `field` is only the centre.
    """

    stride: int
    offset: float
    field: int
    context: bool = False

    def centre(self, position: float) -> float:
        """Return the pixel coordinate that a position is centred on."""
        return self.offset + position * self.stride
