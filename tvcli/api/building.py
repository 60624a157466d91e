"""Indexes made of photos or encodings."""

from pathlib import Path
from typing import Any, Literal

from tvcli.api.choices import checks_choices
from tvcli.api.encoding import Encoder, core_encoder
from tvcli.api.photos import PathLike, as_path
from tvcli.api.reporting import made_by, report_of
from tvcli.api.sources import SourceLike, named
from tvcli.core.engines.names import checked_engine
from tvcli.core.files.parquet_rows import rows_file
from tvcli.core.files.sources import is_rows
from tvcli.core.indexes.additions import losses_told
from tvcli.core.indexes.indexing import head_pool, index_encodings, index_photos, location_heads
from tvcli.core.reports import Report

Pool = Literal["auto", "mean", "gem", "spatial", "map"]


@checks_choices
def build_index(
    source: SourceLike,
    output: PathLike = ".tv/index.tvx",
    *,
    encoder: "Encoder | str" = "mini",
    pool: Pool = "auto",
    engine: str = "auto",
    rank: PathLike | None = None,
    classifier: PathLike | None = None,
    boxes: PathLike | None = None,
    maps: bool = False,
    keypoints: bool = False,
    weights: PathLike | None = None,
    root: PathLike | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> Path:
    """Make an index of photos or of a file of encodings, as `tv index` does, and return its path.

    Args:
        source: photos, folders, lists, records; or one .h5 file of encodings.
        output: the .tvx folder to write; one that is there is replaced.
        encoder: what encodes photos; encodings are taken as they are.
        pool: how maps become vectors; `map` compresses them by PCA.
        engine: `auto`, `exact`, `annoy`, `faiss`, `faiss-hnsw` or the URL of a PostgreSQL database.
        rank: a head of `train_rank`, of which the index keeps a copy.
        classifier: with `boxes`: the head by which the object is found, and indexed alone.
        boxes: the head of `train_boxes`; the index keeps copies of both.
        maps: keep the dense maps of encodings, to re-rank by.
        keypoints: keep key points, which makes verifying faster.
        weights: a local file of the backbone's weights, where photos are located.
        root: the folder that paths are recorded relative to; None: what all have in common.
        seed: the seed of the random numbers.
        report: told of progress and of photos that are skipped; None: Python's `logging` is.

    Shapes: encodings are (N, C, H, W) or (N, D); the index's vectors (N, D).
    Dtypes: float16 in the files.
    Units: none; vectors are of unit length when they are compared.

    Raises:
        UsageError: settings that do not go together, or nothing is named.
        BadInput: not one photo could be used, or the target cannot be written.
        Mismatch: a head that was trained on other encodings.

    Source: annoy, faiss and pgvector for approximate search; otherwise tvcli's own.
    """
    if engine != "auto":
        checked_engine(engine)  # before anything is encoded
    target, known = Path(output), report_of(report)
    head = as_path(rank)
    heads = location_heads(as_path(classifier), as_path(boxes))
    common: dict[str, Any] = {
        "engine": engine,
        "seed": seed,
        "rank": head,
        "maps": maps,
        "location": heads,
    }
    with losses_told(target, known), named(source, as_path(root)) as given:
        made = made_by("build_index", source, target, inputs=given.inputs, seed=seed, rank=head)
        if is_rows(given.arguments):
            name = Path(given.arguments[0])
            with rows_file(name) as path:
                index_encodings(path, target, made, pool=pool, name=name, **common)
        else:
            core, taken = core_encoder(encoder, head_pool(head, pool)), given.open(known)
            index_photos(taken, core, target, known, made, weights=as_path(weights), **common)
        if keypoints:
            from tvcli.core.indexes.keypoints import keep_keypoints  # brings OpenCV

            keep_keypoints(target, None, known)
    return target
