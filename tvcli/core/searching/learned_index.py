"""An open index as it would rank by a head that was just learned: its rows mapped in memory."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.engines import Found, Mask, Rows, Vectors
from tvcli.core.engines.conditions import Condition
from tvcli.core.engines.exact import Exact
from tvcli.core.files.artifacts import slices
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.index import Index
from tvcli.core.ranking.calibration import CALIBRATION
from tvcli.core.ranking.held_out import mapped

MAPPED_AT_ONCE = 65_536  # rows, held as float32


class LearnedIndex(Index):
    """The rows of an index, mapped by a learned head: tried at once, and written nowhere.

    Everything but the vectors is the index's own. `head` is a file of the head that maps an
    encoding as the index's head and the learned one do. The vectors are held in float16, as an
    index keeps them, and all are compared.
    """

    def __init__(self, index: Index, weight: npt.NDArray[np.float32], head: Path) -> None:
        manifest = replace(index.manifest, dimension=len(weight))
        super().__init__(index.path, manifest, index.store, index.root)
        stale = (CALIBRATION, "maps")
        self.settings = {name: value for name, value in index.settings.items() if name not in stale}
        self._index, self._weight, self._head = index, weight, head

    @property
    def rank_file(self) -> Path:
        """The head that a query's encoding is mapped by."""
        return self._head

    def __len__(self) -> int:
        return len(self._index)

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        found: Vectors = unit(self._mapped[rows].astype(np.float32))
        return found

    def search(
        self,
        queries: Vectors,
        k: int,
        allowed: Mask | None = None,
        *,
        where: Sequence[Condition] = (),
        budget: int | None = None,
    ) -> Found:
        """Return similarities and rows (Q, n) of the k closest; as the index's own otherwise."""
        if where:
            met = np.zeros(len(self), bool)
            met[self._index.meeting(where)] = True
            allowed = met if allowed is None else met & allowed
        return Exact(self).search(unit(queries), min(k, len(self)), allowed)

    @cached_property
    def _mapped(self) -> npt.NDArray[np.float16]:
        parts = [
            mapped(self._index.vectors(rows), self._weight)
            for rows in slices(len(self._index), MAPPED_AT_ONCE)
        ]
        return np.concatenate(parts).astype(np.float16)

    def read(self, name: str, rows: slice | Rows = slice(None)) -> Any:
        """Return rows of a column; the vectors are mapped."""
        return self.vectors(rows) if name == "embeddings" else super().read(name, rows)
