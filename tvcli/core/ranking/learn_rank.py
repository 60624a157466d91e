"""Learning from files: encodings and triplets in, a rank head out."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.encoding.pooling import AUTO, NONE, pooling_names, pooling_of
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts import Artifact, open_artifact
from tvcli.core.files.locks import writing
from tvcli.core.heads import HeadFile, save_head
from tvcli.core.ranking.calibration import CALIBRATION
from tvcli.core.ranking.labels import folder_label
from tvcli.core.ranking.pooled_rows import Encodings
from tvcli.core.ranking.rank_training import RankData, RankSettings, Trained, train_rank
from tvcli.core.ranking.rows import RowTable
from tvcli.core.ranking.triplet_table import TripletTable, read_triplet_table
from tvcli.core.ranking.triplets import Item
from tvcli.core.ranking.vectors import pool_for
from tvcli.core.reports import Report, number_of

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
    with writing(target), open_artifact(path, "encodings") as encodings:
        pools = _pools(encodings, settings.pools[0])
        table = RowTable(encodings, name)
        triplets = read_triplet_table(
            triplets_path, stdin, lambda where, fault: report.skip(where, "triplets", fault)
        )
        if not len(triplets):
            raise BadInput(
                f"{triplets_path}: of no triplet are anchor, positive and negative three"
            )
        items = triplets.items
        rows = np.array([table.row_of(item) for item in items], np.intp)
        lacking = sorted(np.flatnonzero(rows < 0), key=lambda number: _order(items[number]))
        missing = [items[number] for number in lacking]
        if missing:
            lost = (
                ""
                if len(missing) < len(items)
                else ", which is all of them: are its photos others?"
            )
            what = number_of(len(missing), "photo or part", "photos or parts")
            report.note(f"encoding {what} that triplets name and {path} lacks{lost}")
        with _encoded(missing, encodings, report, weights) as others:
            tables = [table, *(RowTable(file) for file in others)]
            for number, item in zip(lacking, missing, strict=True):
                row = tables[-1].row_of(item)  # -1 of a photo that could not be encoded
                rows[number] = row if row < 0 else len(table) + row
            data = _data(triplets, rows, [encodings, *others], tables, report)
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


def _order(item: Item) -> tuple[str, Box | tuple[()], bool]:
    """Return what items are to be encoded by: those of a photo together."""
    return item.image, item.box or (), item.flip


@contextmanager
def _encoded(
    items: list[Item], encodings: Artifact, report: Report, weights: Path | None
) -> Iterator[list[Artifact]]:
    """Encode items into a temporary file, if there are any."""
    if not items:
        yield []
        return
    # Most files have all rows: what encodes takes a tenth of a second to load.
    from tvcli.core.encoding.checkpoints import encode_file
    from tvcli.core.encoding.encoder import encoder_of
    from tvcli.core.files.records import Region
    from tvcli.core.files.sources import Source

    about = encodings.settings
    encoder = encoder_of(about["encoder"], about["weights_file"], weights=weights)
    regions = (Region(item.image, item.box, flip=item.flip) for item in items)
    with tempfile.TemporaryDirectory(prefix="tv-") as folder:
        path = Path(folder) / "others.h5"
        encode_file(Source(Path("/"), regions), encoder, path, report, {})
        with open_artifact(path, "encodings") as others:
            yield [others]


def _data(
    triplets: TripletTable,
    of_items: Rows,
    files: list[Artifact],
    tables: list[RowTable],
    report: Report,
) -> RankData:
    """Return triplets as rows of the files; those with an item that no file has are left out.

    `of_items` are the rows of the items, -1 of those without.
    """
    encodings = Encodings(files)
    rows = of_items[triplets.numbers]  # (T, 3)
    first, second, third = rows.T
    kept = (rows >= 0).all(axis=1) & (first != second) & (first != third) & (second != third)
    testing = triplets.testing[kept]
    rows = rows[kept]
    if testing.all():
        raise BadInput(f"{files[0].path}: none of {len(triplets)} triplets is of its photos")
    if left_out := len(triplets) - len(rows):
        report.note(
            f"{left_out} triplets left out: photos of theirs could not be encoded, or are the same"
        )
    labels = _labels(triplets.numbers[kept], [item.label for item in triplets.items])  # (T, 3)
    told: Rows = np.full(len(encodings), -1)
    told[rows[labels >= 0]] = labels[labels >= 0]  # of a row that is told twice the last counts
    known: dict[str, int] = {}
    images = (image for table in tables for image in table.images)
    photos = np.array([known.setdefault(image, len(known)) for image in images], np.intp)
    classes = _classes(tables, triplets.items)
    return RankData(encodings, rows[~testing], rows[testing], told, photos, classes)


def _labels(items: Rows, names: list[str]) -> Rows:
    """Return (T, 3) numbers of the labels that triplets tell of their items; -1 where none is told.

    Those tell whose anchor and positive agree; `names` are the labels of all items.
    """
    known: dict[str, int] = {"": -1}
    numbers = np.array([known.setdefault(name, len(known) - 1) for name in names], np.intp)[items]
    return np.where((numbers[:, 0] == numbers[:, 1])[:, None], numbers, -1)


def _classes(tables: list[RowTable], taught: Iterable[Item]) -> Rows:
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
