"""Learning from clicks on the vectors that an index holds already: seconds, nothing is encoded."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, iou
from tvcli.core.encoding.pooling import NONE, pooling_of
from tvcli.core.engines import Rows
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts import Columns, slices
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import absolute_path, root_settings
from tvcli.core.files.provenance import file_hash
from tvcli.core.heads import HeadFile, save_head
from tvcli.core.indexes.building import build_index
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.manifest import read_manifest
from tvcli.core.ranking.calibration import CALIBRATION
from tvcli.core.ranking.clicks import read_clicks
from tvcli.core.ranking.held_out import mapped
from tvcli.core.ranking.pooled_rows import VectorRows
from tvcli.core.ranking.rank import load_rank
from tvcli.core.ranking.rank_training import RankData, RankSettings, train_rank
from tvcli.core.ranking.triplets import Item, Triplet
from tvcli.core.reports import Report
from tvcli.core.searching.evaluation import in_order

PER_QUERY = 64  # triplets made of one query's likes and unlikes
ROWS_MAPPED_AT_ONCE = 4096  # rows mapped at a time
STALE = ("maps", CALIBRATION)  # of the similarities before
KEPT = ("classifier", "boxes", "graph")  # what an index keeps that no new head changes
FEW_ANCHORS = 4  # below this clicks of every query are held out, else whole queries
SAME_BOX = 0.99  # IoU from which two boxes are one


@dataclass(frozen=True, slots=True)
class Learned:
    """A head trained on an index's vectors and all clicks, and how learning does on some held out.

    `held_out` is how many there are; `before` and `after` how many of them are in the right order,
    the latter by a head that learned from the others alone.
    """

    weight: npt.NDArray[np.float32]  # (D, C)
    train: int
    held_out: int
    before: int
    after: int


def learn_from_feedback(index: Index, clicks: Path, report: Report) -> Learned:
    """Train a rank head on a file of clicks and the vectors of an index.

    A vector is a map of one position, so the head is the same 1x1 convolution as that of
    `tv train-rank`. It is one in closed form, from the scatter within and between the pairs that
    were clicked (`closed_form`), so it takes milliseconds.

    Raises:
        UsageError: the vectors are no vectors of positions, or the clicks make no triplet.
        BadInput: the file cannot be used.
    """
    pool = index.settings["encoder"]["pool"]
    if "shortlist" in index.settings or (pool != NONE and pooling_of(pool).has_grid):
        raise UsageError(f"{index.path}: its vectors are whole maps: learn with tv train-rank")
    triplets, _ = read_clicks(clicks, PER_QUERY)
    rows = _rows(index, triplets)
    if not len(rows):
        raise UsageError("say yes to one hit and no to another first: that makes a triplet")
    involved = np.unique(rows)
    vectors = index.vectors(involved)
    train, test = (np.searchsorted(involved, some) for some in split(rows, seed=0))
    before = after = 0
    if len(test):
        without = _head(vectors, train, pool, report)
        before, after = (int(in_order(v, test).sum()) for v in (vectors, mapped(vectors, without)))
    weight = _head(vectors, np.searchsorted(involved, rows), pool, report)
    return Learned(weight, len(rows), len(test), before, after)


def _head(
    vectors: npt.NDArray[np.float32], triplets: Rows, pool: str, report: Report
) -> npt.NDArray[np.float32]:
    """Return the head (D, C) that triplets (T, 3) of vectors (N, C) make, in closed form."""
    unknown = np.full(len(vectors), -1, np.intp)
    data = RankData(VectorRows(vectors), triplets, triplets[:0], unknown)
    return train_rank(data, RankSettings(pools=(pool,), steps=0), report).weight


def split(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Return triplets (T, 3) to train with and to hold out, sharing no judged photo.

    Of four queries or more a quarter is held out whole; else a quarter of what was said of each.
    """
    anchors = np.unique(rows[:, 0])
    if len(anchors) >= FEW_ANCHORS:
        kept = np.random.default_rng(seed).permutation(anchors)[: max(1, len(anchors) // 4)]
        test = np.isin(rows[:, 0], kept)
        train = ~test & ~np.isin(rows, rows[test]).any(axis=1)
        return (rows[train], rows[test]) if train.any() else (rows, rows[:0])
    held: set[tuple[int, int]] = set()
    for anchor in anchors:
        for column in (1, 2):
            judged = list(dict.fromkeys(rows[rows[:, 0] == anchor, column].tolist()))
            last = judged[-max(1, len(judged) // 4) :] if len(judged) > 1 else []
            held |= {(int(anchor), row) for row in last}
    sides = np.array([[(a, row) in held for row in (p, n)] for a, p, n in rows.tolist()], bool)
    sides = sides.reshape(-1, 2)
    return rows[~sides.any(axis=1)], rows[sides.all(axis=1)]


def write_learned(index: Index, learned: Learned, target: Path, made: dict[str, Any]) -> None:
    """Write an index with its vectors mapped by a learned head, which it keeps; may replace itself.

    Maps kept to re-rank by are left out: they were made by the head before.

    Raises:
        BadInput: the target cannot be written, or the index was changed since it was opened.
    """
    head = composed(index, learned)
    with tempfile.TemporaryDirectory(prefix="tv-") as folder:
        file = Path(folder) / "rank.h5"
        save_head(file, head, made)
        digest = file_hash(file)
        settings = {name: value for name, value in index.settings.items() if name not in STALE}
        name = f"rank-{digest[:12]}.h5"
        settings["rank"] = {"file": name, "hash": digest, "from": f"{target.stem}.rank.h5"}
        settings |= root_settings(index.root, target / "in")

        def attach(where: Path) -> None:
            shutil.copyfile(file, where / name)
            if index.path.absolute() != where.absolute():
                for kept in (settings[name]["file"] for name in KEPT if name in settings):
                    shutil.copyfile(index.path / kept, where / kept)

        with writing(target):
            _check_unchanged(index, target)
            build_index(target, _mapped_rows(index, learned.weight), settings, made, attach=attach)


def _check_unchanged(index: Index, target: Path) -> None:
    """See that an index to be replaced by itself is what it was when it was opened."""
    if target.absolute() == index.path.absolute() and read_manifest(target) != index.manifest:
        raise BadInput(f"{target}: was changed since it was opened; open it again, then learn")


def composed(index: Index, learned: Learned) -> HeadFile:
    """Return the head that does to an encoding what the index's head and the learned one do."""
    weight = learned.weight
    if index.rank_file is not None:
        weight = weight @ load_rank(index.rank_file).weight
    spec = index.settings["encoder"]
    figures = {"held out": learned.held_out, "before": learned.before, "after": learned.after}
    return HeadFile("rank", {"weight": weight}, {"pool": spec["pool"], "encoder": spec} | figures)


def _mapped_rows(index: Index, weight: npt.NDArray[np.float32]) -> Iterator[Columns]:
    for rows in slices(len(index), ROWS_MAPPED_AT_ONCE):
        yield index.columns(rows) | {"embeddings": mapped(index.vectors(rows), weight)}


def _rows(index: Index, triplets: list[Triplet]) -> Rows:
    """Return the triplets whose three items the index has, as its rows (T, 3)."""
    names = {Path(item.image).name for triplet in triplets for item in triplet.items}
    places: dict[str, list[int]] = defaultdict(list)
    for row, image in enumerate(index.images):
        if image.rpartition("/")[2] in names:  # others need no path: each click waits for this
            places[absolute_path(index.root / image)].append(row)
    found = [[_row(index, places[item.image], item) for item in t.items] for t in triplets]
    known = [rows for rows in found if min(rows) >= 0 and len(set(rows)) == len(rows)]
    return np.array(known, np.intp).reshape(-1, 3)


def _row(index: Index, rows: list[int], item: Item) -> int:
    """Return which of a photo's rows an item is, the first without a box; -1 for none."""
    if item.box is None or len(rows) < 2:
        return rows[0] if rows else -1
    boxes: list[Box] = index.columns(np.array(rows, np.intp))["box"].tolist()
    same = (row for row, box in zip(rows, boxes, strict=True) if iou(box, item.box) >= SAME_BOX)
    return next(same, -1)
