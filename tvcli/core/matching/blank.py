"""Blank pictures: of one colour all over, so that nothing else tells one from another."""

import numpy as np

from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.zncc import standing_out

DETAILS = 0.8  # levels: the deviation of a preview's details, of a line of text 1.1, of noise 0.3
COLOURS = 4.0  # the same of its colours: noise leaves 1.5, the plainest painting has 17
NEAR = 12.0  # levels: how far one colour may lie from the other, made darker or brighter
STOP = 0.12  # what each doubling, or halving, of the brightness takes from the agreement


def is_blank(picture: Keypoints) -> bool:
    """Tell whether a picture is of one colour all over; False where its colours are not known."""
    if not picture.colour.size:
        return False
    colours = picture.colour.reshape(-1, 3).astype(np.float32)  # (n, 3)
    deviation = float(np.sqrt(colours.var(axis=0).sum()))
    return deviation < COLOURS and float(standing_out(picture.preview).std()) < DETAILS


def zncc_in_colour(query: Keypoints, gallery: Keypoints) -> float:
    """Return how two blank pictures agree: 1 in one colour, less if darker, 0 in another colour."""
    own, other = (k.colour.reshape(-1, 3).mean(axis=0, dtype=np.float64) for k in (query, gallery))
    factor = max(float(own @ other) / max(float(other @ other), 1e-9), 1e-3)
    if float(np.linalg.norm(own - factor * other)) >= NEAR:
        return 0.0
    return max(1 - STOP * abs(float(np.log2(factor))), 0.0)
