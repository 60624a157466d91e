"""Making indexes: straight from photos, or from an encodings file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.encoding.changes import Asked
from tvcli.core.encoding.checkpoints import encoded_parts, encoding_settings, part_columns
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.encoding.pooling import AUTO, MAP, NONE, checked_pooling
from tvcli.core.encoding.stat_cache import StatCache
from tvcli.core.errors import UsageError
from tvcli.core.files.artifacts import Columns, open_artifact
from tvcli.core.files.paths import photos_root, root_settings
from tvcli.core.files.sources import Source
from tvcli.core.indexes.attachments import Attachments, Heads, attachments
from tvcli.core.indexes.building import EngineName, build_index, check_target
from tvcli.core.indexes.manifest import Manifest
from tvcli.core.indexes.workplace import STAMPS
from tvcli.core.location.efforts import EffortName
from tvcli.core.ranking.map_pca import comparable_maps
from tvcli.core.ranking.rank import load_rank
from tvcli.core.ranking.vectors import pool_for, pooled_columns
from tvcli.core.reports import Report


def index_photos(
    source: Source,
    encoder: Encoder,
    target: Path,
    report: Report,
    provenance: dict[str, Any],
    *,
    engine: EngineName = "auto",
    seed: int = 0,
    rank: Path | None = None,
    maps: bool = False,
    location: Heads | None = None,
    effort: EffortName = "normal",
    weights: Path | None = None,
) -> Manifest:
    """Encode photos into vectors and index them; a killed job goes on where it stopped.

    A `rank` head maps the vectors, and is kept in the index. With the heads of `location` the
    objects of the photos are indexed, and the heads kept: queries are then located as well, with
    the same `effort`.

    Raises:
        UsageError: the encoder gives maps, not vectors.
        BadInput: no photo could be encoded, or the target cannot be written.
        Mismatch: an interrupted job with other settings is in the way.
    """
    check_target(target)  # before all photos are encoded
    settings = encoding_settings(encoder, source.root, target / "in")
    compress = encoder.settings.pool == MAP
    extra = attachments(
        rank, None, maps=maps, location=location, compress=compress, encoder=encoder.spec
    )
    if extra.ranker:
        extra.ranker.check(encoder.spec)
    asked, stat_cache, digests = Asked(), StatCache(source.root), dict[str, str]()
    watched = asked.watch(stat_cache.watch(source.to_encode))
    source = replace(source, regions=watched)
    if location:
        settings |= {"effort": effort}
        from tvcli.core.location.locate import LocateSettings
        from tvcli.core.location.locating import load_locator, located_regions

        locator = load_locator(*location, LocateSettings(effort=effort), weights=weights)
        source = replace(source, regions=located_regions(source, locator, report, encoder))
    with encoded_parts(source, encoder, target, report) as parts:
        blocks = part_columns(parts, asked.of)
        manifest = build_index(
            target,
            (embeddings_of(block, extra) for block in _noted(blocks, digests)),
            settings | extra.settings | source.note,
            provenance,
            engine=engine,
            seed=seed,
            attach=extra.write,
        )
    stat_cache.save(target / STAMPS, digests)
    return manifest


def location_heads(classifier: Path | None, boxes: Path | None) -> Heads | None:
    """Return the two heads to locate by, None without; raises UsageError if one is missing."""
    if classifier is None and boxes is None:
        return None
    if classifier is None or boxes is None:
        raise UsageError("--classifier and --boxes go together: locating needs both heads")
    return classifier, boxes


def head_pool(rank: Path | None, pool: str) -> str:
    """Return how maps are pooled: as asked for, or `auto` as a rank head was trained on."""
    return load_rank(rank).pool if rank and pool == AUTO else pool


def index_encodings(
    path: Path,
    target: Path,
    provenance: dict[str, Any],
    *,
    pool: str = AUTO,
    engine: EngineName = "auto",
    seed: int = 0,
    name: Path | None = None,
    rank: Path | None = None,
    maps: bool = False,
    location: Heads | None = None,
    effort: EffortName = "normal",
) -> Manifest:
    """Index an encodings file; maps are pooled into vectors, `auto` as suits the backbone.

    `name` is where the file would lie if it were not a temporary one. A `rank` head maps the
    vectors, and is kept in the index; with `maps` the maps are too, to re-rank by. Pooled by
    `map`, the default with maps and without a head, a vector is a PCA of the flattened map.

    Raises:
        UsageError: no such pooling; or one is asked for, but the file holds vectors; or no maps are
            there to keep.
        BadInput: not an encodings file, or the target cannot be written.
        Mismatch: the head was trained on other encodings.
    """
    checked_pooling(pool, AUTO, MAP)
    with open_artifact(path, "encodings") as encodings:
        compress = pool == MAP or (maps and pool == AUTO and rank is None)
        extra = attachments(
            rank,
            encodings,
            maps=maps,
            location=location,
            compress=compress,
            encoder=encodings.settings["encoder"],
        )
        settings = encodings.settings | extra.settings
        settings |= {"effort": effort} if location else {}
        if extra.ranker:
            extra.ranker.check(settings["encoder"])
            pool = extra.ranker.pool if pool == AUTO else pool
        how = NONE if compress else pool_for(encodings, pool)
        settings["encoder"] = {**settings["encoder"], "pool": how}
        root = photos_root(encodings.settings, (name or path).absolute().parent)
        settings |= root_settings(root, target / "in")
        if extra.ranker:
            extra.ranker.check(settings["encoder"])
        blocks = (embeddings_of(block, extra) for block in pooled_columns(encodings, how))
        return build_index(
            target, blocks, settings, provenance, engine=engine, seed=seed, attach=extra.write
        )


def _noted(blocks: Iterator[Columns], digests: dict[str, str]) -> Iterator[Columns]:
    """Yield blocks of rows, noting the content hashes of their photos."""
    for block in blocks:
        digests.update(zip(block["image"], block["digest"], strict=True))
        yield block


def embeddings_of(columns: Columns, extra: Attachments) -> Columns:
    """Return a block of vectors, or of maps to compress, as an index holds it, after its head."""
    rest = {name: values for name, values in columns.items() if name != "encodings"}
    encodings, ranker = columns["encodings"], extra.ranker  # (n, C), or (n, C, H, W)
    if extra.shortlist:
        maps = comparable_maps(encodings.astype(np.float32), ranker)
        return rest | {"embeddings": extra.shortlist.vectors(maps)}
    return rest | {"embeddings": ranker.vectors(encodings) if ranker else encodings}
