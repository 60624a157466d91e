"""The similarity of two encodings: the mean over positions of the cosine of their vectors."""

from math import prod

from tvcli.core.errors import Mismatch
from tvcli.core.images.arrays import Array, float32, unit


def comparable(encodings: Array) -> Array:
    """Return encodings (N, C, H, W) or (N, D) as (N, C*H*W) float32, ready for dot products.

    Every position's vector gets length 1 / sqrt(H * W), so the dot product of two rows is their
    similarity. A position without any activation stays zero and is similar to nothing.
    """
    values = unit(float32(encodings))  # (N, C, H, W)
    positions = prod(values.shape[2:])
    flat: Array = values.reshape(len(values), -1) / positions**0.5  # (N, C*H*W)
    return flat


def similarities(a: Array, b: Array) -> Array:
    """Return the similarity of each of (N, C, H, W) with each of (M, C, H, W): (N, M) float32.

    The mean over positions of the cosine between the vectors there (TiefVision, after Wang et al.
    2014, "Learning Fine-grained Image Similarity with Deep Ranking"). Vectors (N, D) and (M, D)
    count as maps of one position. Raises Mismatch where the shapes differ.
    """
    if a.shape[1:] != b.shape[1:]:
        raise Mismatch(
            f"encodings of {tuple(a.shape[1:])} and {tuple(b.shape[1:])} do not compare: "
            f"encode both at one --size"
        )
    found: Array = comparable(a) @ comparable(b).T
    return found
