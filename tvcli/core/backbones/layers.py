"""Layers by name: the classifier of a network, tokens as maps, the error for one not there."""

from collections.abc import Iterable
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
from torch import Tensor

from tvcli.core.errors import UsageError

NEAR = 5  # names proposed
CLASSIFIERS = ("fc", "classifier", "head")  # what torchvision and timm call them

Classifier = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def no_such_layer(layer: str, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown layer: names like it, else the outermost ones there are."""
    names = list(dict.fromkeys(known))
    near = get_close_matches(layer, names, NEAR, cutoff=0.6)
    if near:
        return UsageError(f"no layer {layer!r} in this backbone: did you mean {', '.join(near)}?")
    tops = dict.fromkeys(name.split(".")[0] for name in names)
    return UsageError(f"no layer {layer!r} in this backbone; it has {', '.join(tops)}, …")


def linear_classifier(state: dict[str, Tensor]) -> Classifier | None:
    """Return weights (K, C) and bias (K,) of a classifier of one linear layer; None without.

    A 1x1 convolution before the pooling, as SqueezeNet's, is such a layer too.
    """
    names = [name for name in state if name.split(".")[0] in CLASSIFIERS]
    weights = [state[name] for name in names if name.endswith("weight")]
    biases = [state[name] for name in names if name.endswith("bias")]
    if len(names) != 2 or len(weights) != 1 or len(biases) != 1:
        return None
    classes = len(weights[0])
    if weights[0].ndim not in (2, 4) or weights[0][0].numel() != weights[0].shape[1]:
        return None
    return weights[0].float().reshape(classes, -1).numpy(), biases[0].float().numpy()


def tokens_as_map(tokens: Tensor, height: int, width: int) -> Tensor:
    """Lay patch tokens (N, h * w, C) out as (N, C, h, w), h to w as the picture's sides are.

    Raises:
        UsageError: so many cannot be laid out.
    """
    count = int(tokens.shape[1])
    rows = round((count * height / width) ** 0.5)
    if rows < 1 or count % rows:
        raise UsageError(f"{count} tokens are no map: this layer cannot be laid out")
    laid: Tensor = tokens.transpose(1, 2).unflatten(2, (rows, count // rows))  # type: ignore[no-untyped-call]
    return laid
