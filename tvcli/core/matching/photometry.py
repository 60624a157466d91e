"""Colours: in how many places of what they share the colours of two pictures agree.

Copies change their colours all over in one way; another thing on the same ground differs where it
lies, whatever is done to the whole.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.homography import Transform
from tvcli.core.matching.local_agreement import means
from tvcli.core.matching.zncc import Grey, laid_over

PATCH = 4  # pixels of the small colour picture: a place
COLOURED = 10.0  # levels of chroma: how far a colour may always lie from where it should
OFF = 0.5  # the same of its distance from the picture's usual colour
LIT = 12.0  # levels of a colour: how far it may always lie from where one light puts it
SPREAD = 0.3  # the same of the deviation of the picture's colours
SOFT = 8.0  # levels: residues above count less and less in the fits (Cauchy weights)
FITS = 6  # rounds of weighted least squares
FEW = 4  # places: of fewer nothing is said
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Values = npt.NDArray[np.floating[Any]]
Fitted = tuple[Values, Values]
Places = tuple[Grey, Grey, Grey]  # colours of both (n, 3), and where they are (n, 2), -1 to 1


def colour_agreement(
    query: Keypoints, gallery: Keypoints, transform: Transform
) -> tuple[float | None, float | None]:
    """Return the shares of the places that two pictures share whose hues, and colours, agree.

    None where the colours are not known.
    Hues agree if chroma differs by one saturation and by a white balance, fitted to all that is
    shared. Places without colours agree, so of grey pictures nothing is said. Colours, dark and
    bright with them, agree if they differ by one affine map (brightness, contrast, saturation,
    balance) and a light that falls off: it may make an orange shirt a pink one, no dark one a
    bright one.
    """
    places = _places(query, gallery, transform)
    if places is None:
        return None, None
    own, other, where = places
    hues = max(_agreeing_hues(own, other), _agreeing_hues(other, own))
    return hues, max(_agreeing_light(own, other, where), _agreeing_light(other, own, where))


def _places(query: Keypoints, gallery: Keypoints, transform: Transform) -> Places | None:
    """Return the places that two pictures share; None where their colours are not known."""
    if not (query.colour.size and gallery.colour.size):
        return None
    laid = transform, query.region, gallery.region
    warped, seen = laid_over(query.colour, gallery.colour, *laid)
    share = means(seen, PATCH)
    known = share > 0.5
    if known.sum() < FEW:
        return None
    own, other = (
        means(np.where(seen[..., None], image, 0), PATCH)[known] / share[known, None]
        for image in (warped, gallery.colour)
    )
    down, across = np.nonzero(known)
    where = 2 * np.stack([across, down], axis=1).astype(np.float32) / max(share.shape) - 1
    return own, other, where


def _agreeing_hues(own: Grey, other: Grey) -> float:
    """Return in which share of places the chroma (n, 3) of one is as that of the other says."""
    wanted, known = _chroma(own), _chroma(other)
    terms = np.zeros((len(own), 3, 7), np.float32)  # (n, 3, 7)
    terms[..., 0] = known
    for channel in range(3):
        terms[:, channel, 1 + channel] = 1
        terms[:, channel, 4 + channel] = other @ LUMA / 128
    flat = terms.reshape(-1, 7), wanted.reshape(-1, 1)
    found, residues = _fitted(*flat, ridge=1e-3, least=0.0)  # no colour turns into its opposite
    distances = float(found[0, 0]) * _from_usual(known), _from_usual(wanted)
    return float((residues < np.maximum(OFF * np.maximum(*distances), COLOURED)).mean())


def _agreeing_light(own: Grey, other: Grey, places: Grey) -> float:
    """Return in which share of places a colour (n, 3) is as the other, under one light, says.

    An affine function of the other, and its brightness times a quadratic function of the place (n,
    2), -1 to 1: photos of paintings are taken under lamps.
    """
    x, y = places.T
    falling_off = (other @ LUMA)[:, None] * np.stack([x, y, x * x, x * y, y * y], axis=1)
    terms = np.concatenate([other, np.full((len(other), 1), 64), falling_off], axis=1)  # (n, 9)
    _, residues = _fitted(terms, own, ridge=1e-3 * len(terms))
    deviation = float(np.sqrt(((own - own.mean(axis=0)) ** 2).sum(axis=1).mean()))
    return float((residues < max(SPREAD * deviation, LIT)).mean())


def _fitted(terms: Values, wanted: Values, *, ridge: float, least: float = -np.inf) -> Fitted:
    """Return the factors (k, p) of terms (m, k) that give what is wanted (m, p), and residues.

    Least squares, weighted anew each round by the residues (n,), one for each place, of which
    `wanted` has three values. The first factors are at least `least`.
    """
    places = wanted.size // 3
    weights: Values = np.ones(places, np.float32)
    damping = ridge * np.eye(terms.shape[1])
    for _ in range(FITS):
        weighted = terms * np.repeat(weights, len(terms) // places)[:, None]
        found = np.linalg.solve(weighted.T @ terms + damping, weighted.T @ wanted)
        found[0] = np.maximum(found[0], least)
        left = (wanted - terms @ found).reshape(places, 3)
        residues = np.sqrt((left * left).sum(axis=1))
        weights = 1 / (1 + (residues / SOFT) ** 2)
    return found, residues


def _chroma(colours: Grey) -> Grey:
    result: Grey = colours - (colours @ LUMA)[:, None]
    return result


def _from_usual(chroma: Grey) -> Grey:
    """Return how far chroma (n, 3) lies from the usual one, the median: (n,)."""
    distances = np.linalg.norm(chroma - np.median(chroma, axis=0), axis=1)
    result: Grey = distances.astype(np.float32, copy=False)
    return result
