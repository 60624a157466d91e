"""Places: in how many places of what they share two pictures agree, in detail and in colour.

A correlation of the whole is high where most of two photos is one room or one blanket. A copy
agrees nearly everywhere (text over it spoils some places); another thing on the same ground does
not.
"""

import numpy as np
import numpy.typing as npt

from tvcli.core.verification.agreement import Details, Grey, Transform, laid_over
from tvcli.core.verification.keypoints import Keypoints

SIDE = 12  # pixels of a preview: a place, one every half of that
TEXTURED = 0.1  # of the mean energy of details: where either picture has more there is something
ALIKE = 0.7  # of twice the shared energy by the sum of both, from which a place agrees

PATCH = 4  # pixels of the small colour picture: a place
COLOURED = 10.0  # levels of chroma: how far a colour may always lie from where it should
OFF = 0.5  # the same of its distance from the picture's usual colour
SOFT = 8.0  # levels of chroma: residues above count less and less in the fit (Cauchy weights)
FITS = 6  # rounds of weighted least squares
FEW = 4  # places: of fewer nothing is said
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Mask = npt.NDArray[np.bool_]


def agreeing_details(found: Details) -> float:
    """Return the share of the textured places of two pictures in which their details agree, 0 to 1.

    A place agrees if 2 <a, b> / (<a, a> + <b, b>), the details scaled to equal energy over all
    that is shared, reaches ALIKE: what one picture lacks counts against it. 0 without details.
    """
    shared = int(found.seen.sum())
    own, other = (_scaled(one, shared) for one in (found.own, found.other))
    means = [_means(image, SIDE) for image in (own * other, own**2, other**2)]
    both, first, second = (mean[_means(found.seen, SIDE) > 0.5] for mean in means)
    textured = np.maximum(first, second) > TEXTURED
    alike = 2 * both[textured] > ALIKE * (first + second)[textured]
    return float(alike.mean()) if len(alike) else 0.0


def agreeing_colours(query: Keypoints, gallery: Keypoints, transform: Transform) -> float:
    """Return the share of the places of two pictures in which their colours agree, 0 to 1.

    Chroma may differ by one saturation and by a white balance, fitted to all that is shared (least
    squares with Cauchy weights), from the more to the less coloured picture. Places without
    colours agree, so of grey pictures nothing is said.
    """
    if not (query.colour.size and gallery.colour.size):
        return 1.0
    laid = transform, query.region, gallery.region
    warped, seen = laid_over(query.colour, gallery.colour, *laid)
    share = _means(seen, PATCH)
    known = share > 0.5
    if known.sum() < FEW:
        return 1.0
    own, other = (
        _means(np.where(seen[..., None], image, 0), PATCH)[known] / share[known, None]
        for image in (warped, gallery.colour)
    )  # (n, 3)
    return max(_one_way(own, other), _one_way(other, own))


def _one_way(own: Grey, other: Grey) -> float:
    """Return in which share of places the colours (n, 3) of one are as those of another say."""
    expected, saturation = _fitted(_chroma(own), _chroma(other), (other @ LUMA).astype(np.float32))
    distances = saturation * _standing_out(_chroma(other)), _standing_out(_chroma(own))
    residues = np.linalg.norm(_chroma(own) - expected, axis=1)
    return float((residues < np.maximum(OFF * np.maximum(*distances), COLOURED)).mean())


def _fitted(own: Grey, other: Grey, luma: Grey) -> tuple[Grey, float]:
    """Return the chroma (n, 3) expected of a query, and its saturation beside the other's.

    own = saturation * other + balance * luma + shift, one saturation, the rest by channel.
    """
    terms = np.zeros((*other.shape, 7), np.float32)  # (n, 3, 7)
    terms[..., 0] = other
    for channel in range(3):
        terms[:, channel, 1 + channel] = 1
        terms[:, channel, 4 + channel] = luma / 128
    weights = np.ones(len(own), np.float32)
    for _ in range(FITS):
        weighted = terms * weights[:, None, None]
        normal = np.einsum("nci,ncj->ij", weighted, terms) + 1e-3 * np.eye(7)
        found = np.linalg.solve(normal, np.einsum("nci,nc->i", weighted, own))
        found[0] = max(found[0], 0.0)  # no colour turns into its opposite
        expected = terms @ found
        weights = 1 / (1 + (np.linalg.norm(own - expected, axis=1) / SOFT) ** 2)
    return expected.astype(np.float32), float(found[0])


def _chroma(colours: Grey) -> Grey:
    result: Grey = colours - (colours @ LUMA)[:, None]
    return result


def _standing_out(chroma: Grey) -> Grey:
    result: Grey = np.linalg.norm(chroma - np.median(chroma, axis=0), axis=1)
    return result


def _scaled(image: Grey, shared: int) -> Grey:
    """Return details of a mean energy of 1 over what is shared."""
    norm = float(np.linalg.norm(image))
    return image * np.float32(np.sqrt(shared) / norm) if norm > 0 else image


def _means(image: npt.NDArray[np.generic], side: int) -> Grey:
    """Return the means over squares of `side` pixels, one every half of that, 0 beyond the edge."""
    import cv2

    values = image.astype(np.float32)
    blurred = cv2.blur(values, (side, side), borderType=cv2.BORDER_CONSTANT)
    step = side // 2
    result: Grey = np.asarray(blurred)[step::step, step::step]
    return result
