"""Places: in how many places of what they share the details of two pictures agree.

A correlation of the whole is high where most of two photos is one room or one blanket. A copy
agrees nearly everywhere (text over it spoils some places); another thing on the same ground does
not.
"""

import numpy as np
import numpy.typing as npt

from tvcli.core.verification.agreement import Details, Grey

SIDE = 12  # pixels of a preview: a place, one every half of that
TEXTURED = 0.1  # of the mean energy of details: where either picture has more there is something
ALIKE = 0.7  # of twice the shared energy by the sum of both, from which a place agrees


def agreeing_details(found: Details) -> float:
    """Return the share of the textured places of two pictures in which their details agree, 0 to 1.

    A place agrees if 2 <a, b> / (<a, a> + <b, b>), the details scaled to equal energy over all
    that is shared, reaches ALIKE: what one picture lacks counts against it. 0 without details.
    """
    shared = int(found.seen.sum())
    own, other = (_scaled(one, shared) for one in (found.own, found.other))
    energies = [means(image, SIDE) for image in (own * other, own**2, other**2)]
    both, first, second = (mean[means(found.seen, SIDE) > 0.5] for mean in energies)
    textured = np.maximum(first, second) > TEXTURED
    alike = 2 * both[textured] > ALIKE * (first + second)[textured]
    return float(alike.mean()) if len(alike) else 0.0


def means(image: npt.NDArray[np.generic], side: int) -> Grey:
    """Return the means over squares of `side` pixels, one every half of that, 0 beyond the edge."""
    import cv2

    values = image.astype(np.float32)
    blurred = cv2.blur(values, (side, side), borderType=cv2.BORDER_CONSTANT)
    step = side // 2
    result: Grey = np.asarray(blurred)[step::step, step::step]
    return result


def _scaled(image: Grey, shared: int) -> Grey:
    """Return details of a mean energy of 1 over what is shared."""
    norm = float(np.linalg.norm(image))
    return image * np.float32(np.sqrt(shared) / norm) if norm > 0 else image
