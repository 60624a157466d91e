"""Encodings that are numbers: what is NaN or infinite makes nonsense of all it is compared with."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput


def check_finite(
    encodings: npt.NDArray[Any], images: Callable[[], Sequence[str]], path: Path | None = None
) -> None:
    """See that encodings (n, ...) of some images are finite; the images are asked for if not.

    Raises:
        BadInput: one is not; the message names its photo, and the file if there is one.
    """
    bad = np.flatnonzero(~np.isfinite(encodings).reshape(len(encodings), -1).all(axis=1))
    if len(bad):
        where = f"{path}: " if path else ""
        others = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise BadInput(
            f"{where}{images()[bad[0]]}{others}: its encoding is not finite; encode it again"
        )
