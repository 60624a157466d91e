"""Bringing a query's encodings to what an index compares: pooled, mapped by its head."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tvcli.core.backbones.mini_files import name_to_ask_for
from tvcli.core.encoding.named_settings import in_which_settings
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import Mismatch
from tvcli.core.indexes.index import Index

if TYPE_CHECKING:  # imported when there is something to encode
    from tvcli.core.ranking.map_pca import MapPCA
    from tvcli.core.ranking.rank import Ranker

Array = npt.NDArray[np.float32]


class QueryProjection:
    """What happened to an index's rows, for its queries."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.pool: str = index.settings["encoder"]["pool"]

    @cached_property
    def ranker(self) -> "Ranker | None":
        """The head kept in the index, if there is one."""
        file = self._index.rank_file
        if file is None:
            return None
        from tvcli.core.ranking.rank import load_rank

        return load_rank(file)

    @cached_property
    def shortlist(self) -> "MapPCA | None":
        """The projection kept in the index, if its vectors are compressed maps."""
        known = self._index.settings.get("shortlist")
        if known is None:
            return None
        from tvcli.core.ranking.map_pca import load_map_pca

        return load_map_pca(self._index.path / known["file"], self._index.settings["encoder"])

    def vectors(self, rows: npt.NDArray[Any]) -> Array:
        """Return vectors (n, D) float32 of encodings (n, C, H, W) or (n, C)."""
        if self.shortlist:
            return self.shortlist.vectors(self._maps(rows))
        vectors: Array = rows.astype(np.float32)
        if vectors.ndim == 4:
            vectors = pool_maps(vectors, self.pool)
        return self.ranker.vectors(vectors) if self.ranker else vectors

    def map(self, row: npt.NDArray[Any]) -> Array:
        """Return a map (D, H, W) float32, ready to compare, of an encoding (C, H, W)."""
        result: Array = self._maps(row[None])[0]
        return result

    def _maps(self, rows: npt.NDArray[Any]) -> Array:
        from tvcli.core.ranking.map_pca import comparable_maps

        return comparable_maps(rows.astype(np.float32), self.ranker)

    def check(self, encoder: dict[str, Any], path: Path) -> None:
        """See that encodings were made as the index's were.

        Raises:
            Mismatch: another backbone, weights or settings; the message has the command.
        """
        own = self._index.settings["encoder"]
        pools = {own["pool"], "none"} if own["pool"] != "none" else {"none"}
        if {**encoder, "pool": ""} == {**own, "pool": ""} and encoder["pool"] in pools:
            return
        if own.get("colour") != encoder.get("colour"):
            raise Mismatch(
                f"{path}: an older tv made it or {self._index.path}, and converted no colours to "
                f"sRGB: make that one again"
            )
        backbone = own["backbone"]
        name = name_to_ask_for(backbone)
        file = self._index.settings["weights_file"]
        weights = f" --weights {file}" if file else ""
        layer = f" --layer {backbone['layer']}" if backbone["layer"] else ""
        how = in_which_settings(encoder, own)
        raise Mismatch(
            f"{path}: not encoded as {self._index.path} was ({how}); encode again: tv encode "
            f"PHOTOS -o {path} --backbone {name}{weights}{layer} --size {own['size']} "
            f"--fit {own['fit']} --precision {own['precision']}"
        )
