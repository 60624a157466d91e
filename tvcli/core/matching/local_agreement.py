"""Places: in how many places of what they share the details of two pictures agree.

A correlation of the whole is high where most of two photos is one room or one blanket. A copy
agrees nearly everywhere (text over it spoils some places); another thing on the same ground does
not.
"""

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.zncc import Details, Grey

SIDE = 12  # pixels of a preview: a place, one every half of that
TEXTURED = 0.1  # of the mean energy of details: where either picture has more there is something
ALIKE = 0.7  # of twice the shared energy by the sum of both, from which a place agrees


def local_agreement(found: Details) -> tuple[float | None, float | None]:
    """Return the share of the textured places of two pictures in which their details agree, 0 to 1.

    And the share of them in the largest region, of places that touch, in which they do not: another
    thing on the same ground is one region, what noise or light spoils lies all over.
    A place agrees if 2 <a, b> / (<a, a> + <b, b>), the details scaled to equal energy in most
    places, reaches ALIKE: what one picture lacks counts against it. None without details.
    """
    energies = [
        means(image, SIDE) for image in (found.own**2, found.other**2, found.own * found.other)
    ]
    within = means(found.seen, SIDE) > 0.5
    if not within.any():  # thinner than a place
        return None, None
    own, other, both = (mean[within] for mean in energies)
    gain = _gain(own, other)
    own, both = gain**2 * own, gain * both
    textured = np.maximum(own, other) > TEXTURED * min(own.mean(), other.mean())
    alike = 2 * both > ALIKE * (own + other)
    if not textured.any():
        return None, None
    apart = _largest_region(within, textured & ~alike)
    return float(alike[textured].mean()), apart / int(textured.sum())


def _largest_region(within: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_]) -> int:
    """Return of how many places that touch the largest region is; `wanted` (n,) of those within."""
    import cv2

    places = np.zeros(within.shape, np.uint8)
    places[within] = wanted
    count, _, stats, _ = cv2.connectedComponentsWithStats(places, connectivity=8)
    return int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0


def means(image: npt.NDArray[np.generic], side: int) -> Grey:
    """Return the means over squares of `side` pixels, one every half of that, 0 beyond the edge."""
    import cv2

    values = image.astype(np.float32)
    blurred = cv2.blur(values, (side, side), borderType=cv2.BORDER_CONSTANT)
    step = side // 2
    result: Grey = np.asarray(blurred)[step::step, step::step]
    return result


def _gain(own: Grey, other: Grey) -> float:
    """Return the factor that brings details to those of another picture in most textured places.

    Text over a picture may have more energy than all the rest of it; by the energies of the whole
    the rest would count as lacking.
    """
    textured = (own > TEXTURED * own.mean()) & (other > TEXTURED * other.mean())
    return float(np.sqrt(np.median(other[textured] / own[textured]))) if textured.any() else 1.0
