"""What a last close look at an object found decides: whether it is one, and which label it has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.heads import HeadFile
from tvcli.core.images.arrays import like
from tvcli.core.location.naming import Naming, naming_of
from tvcli.core.location.verifier import Verifier, verified_probability, verifier_of

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of an object found: its probability (None: not verified), label, and the label's."""

    score: float | None
    label: str = ""
    label_score: float | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """A verifier, a naming or both, as linear functions of the maps (N, C, h, w) of looks."""

    verifier: Verifier | None
    naming: Naming | None

    @property
    def kernels(self) -> Floats:
        """What the maps are multiplied with: (K, C, h, w), the verifier's first."""
        first = [] if self.verifier is None else [self.verifier.kernel[None]]
        return np.concatenate([*first, *([] if self.naming is None else [self.naming.kernels])])

    @property
    def biases(self) -> Floats:
        """What is added to the sums: (K,)."""
        first = [] if self.verifier is None else [np.array([self.verifier.bias], np.float32)]
        return np.concatenate([*first, *([] if self.naming is None else [self.naming.biases])])

    def odds(self, maps: Any) -> Any:
        """Return the log-odds (N, K) of looks by their maps, of numpy or of torch as these are."""
        flat = maps.reshape(len(maps), 1, -1)
        kernels = like(self.kernels.reshape(1, len(self.biases), -1), maps)
        return (flat * kernels).sum(2) + like(self.biases, maps)

    def judge(self, odds: npt.NDArray[np.floating[Any]]) -> Judgement:
        """Return the judgement of looks (N, K) at one object."""
        first = 0 if self.verifier is None else 1
        score = verified_probability(odds[:, 0]) if first else None
        if self.naming is None:
            return Judgement(score)
        return Judgement(score, *self.naming.name(odds[:, first:]))


def judge_of(head: HeadFile, path: Path) -> Judge | None:
    """Return what a classifier's file decides by, None if it learned neither to verify nor to name.

    Raises:
        BadInput: the file is damaged.
    """
    try:
        verifier, naming = verifier_of(head), naming_of(head)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: damaged; train it again") from error
    return None if verifier is None and naming is None else Judge(verifier, naming)
