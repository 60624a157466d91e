"""Learning from files: encodings and triplets in, a rank head out."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tvcli.core.encoding.checkpoints import encode_file
from tvcli.core.encoding.encoder import encoder_of
from tvcli.core.encoding.pooling import AUTO, NONE, pooling_names, pooling_of
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts import Artifact, open_artifact
from tvcli.core.files.locks import writing
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source
from tvcli.core.heads import HeadFile, save_head
from tvcli.core.ranking.calibration import CALIBRATION
from tvcli.core.ranking.labels import folder_label
from tvcli.core.ranking.pooled_rows import Encodings
from tvcli.core.ranking.rank_training import RankData, RankSettings, Trained, train_rank
from tvcli.core.ranking.rows import RowTable
from tvcli.core.ranking.triplets import Item, Triplet, read_triplets
from tvcli.core.ranking.vectors import pool_for
from tvcli.core.reports import Report

Rows = npt.NDArray[np.intp]


def learn_rank(
    path: Path,
    triplets_path: Path,
    target: Path,
    settings: RankSettings,
    report: Report,
    provenance: dict[str, Any],
    *,
    name: Path | None = None,
    weights: Path | None = None,
    stdin: IO[bytes] | None = None,
) -> Trained:
    """Train a rank head on an encodings file and triplets of its rows, and save it.

    Of `settings.pools` the first counts; `auto` tries all that a head can follow. What a triplet
    names and the file lacks - mirror images, copies - is encoded as the file was.

    Raises:
        UsageError: the encodings are pooled in a way that a 1x1 convolution cannot follow.
        BadInput: a file cannot be used, no triplet is left, or others are writing the target.
        Mismatch: the weights are not those that the file was encoded with.
    """
    triplets = read_triplets(
        triplets_path, stdin, lambda where, fault: report.skip(where, "triplets", fault)
    )
    if not triplets:
        raise BadInput(f"{triplets_path}: of no triplet are anchor, positive and negative three")
    with writing(target), open_artifact(path, "encodings") as encodings:
        pools = _pools(encodings, settings.pools[0])
        table = RowTable(encodings, name)
        items = {item for triplet in triplets for item in triplet.items}
        with _encoded(_missing(items, table), encodings, report, weights) as others:
            tables = [table, *(RowTable(file) for file in others)]
            data = _data(triplets, items, [encodings, *others], tables, report)
            trained = train_rank(data, replace(settings, pools=pools), report)
        used = {**asdict(settings), "pools": list(pools), "pool": trained.start.pool}
        used |= {"start": trained.start.title, "steps": trained.steps, "choice": trained.choice()}
        used["encoder"] = encodings.settings["encoder"]
        used["figures"] = {"before": trained.before, "after": trained.after, "basis": trained.basis}
        if trained.calibration is not None:
            used[CALIBRATION] = trained.calibration.as_settings()
        head = HeadFile("rank", {"weight": trained.weight}, used)
        save_head(target, head, provenance)
    return trained


def _pools(encodings: Artifact, pool: str) -> tuple[str, ...]:
    """Return the poolings to choose from: the one asked for, or all with the usual one first."""
    how = pool_for(encodings, pool)
    if how != NONE and pooling_of(how).has_grid:
        raise UsageError(f"{encodings.path}: pooled to a grid; encode without --pool, or with gem")
    if pool != AUTO or len(encodings.row_shape) == 1:
        return (how,)
    return (how, *(name for name in pooling_names(heads=True) if name != how))


def _missing(items: set[Item], table: RowTable) -> list[Item]:
    """Return the items that no row shows, those of a photo together."""
    missing = [item for item in items if table.find(item) is None]
    return sorted(missing, key=lambda item: (item.image, item.box or (), item.flip))


@contextmanager
def _encoded(
    items: list[Item], encodings: Artifact, report: Report, weights: Path | None
) -> Iterator[list[Artifact]]:
    """Encode items into a temporary file, if there are any."""
    if not items:
        yield []
        return
    about = encodings.settings
    encoder = encoder_of(about["encoder"], about["weights_file"], weights=weights)
    regions = (Region(item.image, item.box, flip=item.flip) for item in items)
    with tempfile.TemporaryDirectory(prefix="tv-") as folder:
        path = Path(folder) / "others.h5"
        encode_file(Source(Path("/"), regions), encoder, path, report, {})
        with open_artifact(path, "encodings") as others:
            yield [others]


def _data(
    triplets: list[Triplet],
    items: set[Item],
    files: list[Artifact],
    tables: list[RowTable],
    report: Report,
) -> RankData:
    """Return triplets as rows of the files; those with an item that no file has are left out."""
    encodings = Encodings(files)
    labels = _Labels(len(encodings))
    places = {item: _find(item, tables) for item in items}
    sides: dict[str, list[list[int]]] = {"train": [], "test": []}
    for triplet in triplets:
        rows = [places[item] for item in triplet.items]
        if all(row >= 0 for row in rows) and len(set(rows)) == len(rows):
            sides[triplet.split].append(rows)
            labels.learn(rows, triplet)
    if not sides["train"]:
        raise BadInput(f"{files[0].path}: none of {len(triplets)} triplets is of its photos")
    left_out = len(triplets) - len(sides["train"]) - len(sides["test"])
    if left_out:
        report.note(
            f"{left_out} triplets left out: photos of theirs could not be encoded, or are the same"
        )
    train, test = (np.array(rows, np.intp).reshape(-1, 3) for rows in sides.values())
    images = [image for table in tables for image in table.images]
    photos = np.unique(images, return_inverse=True)[1]
    return RankData(encodings, train, test, labels.numbers, photos, _classes(tables, items))


def _classes(tables: list[RowTable], taught: set[Item]) -> Rows:
    """Return a number for the class of each row, -1 where it is not known: those taught as well.

    A class is the label that the file has; where it has none, and the triplets were made of
    folders, the folder. Copies and mirror images that were made for the training have none.
    """
    labels = list(tables[0].labels)
    told = [item for item in taught if item.label]
    if not any(labels) and told and all(i.label == folder_label(i.image) for i in told):
        labels = [folder_label(image) for image in tables[0].images]
    labels += [""] * sum(len(table) for table in tables[1:])
    names = {name: number for number, name in enumerate(sorted(set(labels) - {""}))}
    return np.array([names.get(label, -1) for label in labels], np.intp)


def _find(item: Item, tables: list[RowTable]) -> int:
    """Return the row of an item, counted through all tables, or -1."""
    first = 0
    for table in tables:
        row = table.find(item)
        if row is not None:
            return first + row
        first += len(table)
    return -1


class _Labels:
    """Numbers the labels that triplets tell of rows; -1 where none is told."""

    def __init__(self, rows: int) -> None:
        self.numbers: Rows = np.full(rows, -1, np.intp)
        self._known: dict[str, int] = {}

    def learn(self, rows: list[int], triplet: Triplet) -> None:
        """Take the labels of a triplet whose anchor and positive agree."""
        if triplet.anchor.label != triplet.positive.label:
            return
        for row, item in zip(rows, triplet.items, strict=True):
            if item.label:
                self.numbers[row] = self._known.setdefault(item.label, len(self._known))
