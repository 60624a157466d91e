"""What "similar" means: triplets, and the head that learns from them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tvcli.api.choices import checks_choices
from tvcli.api.photos import PathLike, as_path
from tvcli.api.records import Readable
from tvcli.api.reporting import made_by, report_of
from tvcli.core.files.sources import input_files
from tvcli.core.ranking.triplets import write_triplets
from tvcli.core.reports import Report
from tvcli.core.searching.triplet_sets import TripletSpec
from tvcli.core.searching.triplet_sets import make_triplets as core_make_triplets


@dataclass(frozen=True, slots=True, repr=False)
class Triplets(Readable):
    """A file of triplets: where it is, and how many are for training and for testing.

    `dropped` are clicks left out because a photo of theirs is in a test triplet.
    """

    path: Path
    train: int
    test: int
    dropped: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class TrainedRank(Readable):
    """A rank head's file, with the figures of held-out photos before and after, by name.

    It began as `start` on vectors pooled by `pool`; `steps` of the hinge loss were kept.
    """

    path: Path
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    start: str = ""
    pool: str = ""
    steps: int = 0


@checks_choices
def make_triplets(
    encodings: PathLike,
    output: PathLike,
    *,
    labels: PathLike | None = None,
    from_folders: bool = False,
    clicks: PathLike | None = None,
    flips: bool = False,
    from_copies: PathLike | None = None,
    index: PathLike | None = None,
    mine: Literal["hard", "semi-hard", "random"] = "hard",
    per_anchor: int = 4,
    test: float = 0.1,
    seed: int = 0,
    report: Report | None = None,
) -> Triplets:
    """Make triplets of what is known to be similar, as `tv triplets` does.

    The sources can be combined; with none, the labels in the encodings are the classes.

    Args:
        encodings: the .h5 file of encodings.
        output: the .jsonl file of triplets to write.
        labels: a file of JSON Lines, `{"image", "label"}`; the same label is similar.
        from_folders: photos of the same folder are similar.
        clicks: the file of clicks that the gallery saved.
        flips: a photo, its mirror image and its nearest neighbour are triplets, without labels.
        from_copies: a folder to write changed copies into, which are positives, without labels.
        index: the index whose similarities choose negatives; None: those of the encodings.
        mine: which negatives are taken.
        per_anchor: triplets for each photo of a class.
        test: the share of the anchors that is held out.
        seed: the seed of the random numbers.
        report: told of progress; None: Python's `logging` is.

    Shapes: the encodings are (N, C, H, W) or (N, D).
    Dtypes: float16 in the file.
    Units: `per_anchor` is triplets a photo, `test` a share from 0 to 0.9.

    Raises:
        UsageError: fewer than two labels are known.
        BadInput: a file cannot be used, or not one triplet came out.

    Source: Wang et al. 2014, "Learning Fine-grained Image Similarity with Deep Ranking".
    """
    target, copy_of = Path(output), None
    if from_copies is not None:
        from tvcli.core.ranking.changed_copies import copier

        copy_of = copier(Path(from_copies), seed)
    spec = TripletSpec(
        folders=from_folders,
        labels=as_path(labels),
        clicks=as_path(clicks),
        flips=flips,
        copy_of=copy_of,
        index=as_path(index),
        mine=mine,
        per_anchor=per_anchor,
        test=test,
        seed=seed,
    )
    made = core_make_triplets(Path(encodings), spec, report_of(report))
    write_triplets(target, made.triplets)
    splits = [triplet.split for triplet in made.triplets]
    return Triplets(target, splits.count("train"), splits.count("test"), made.dropped)


@checks_choices
def train_rank(
    encodings: PathLike,
    triplets: PathLike,
    output: PathLike,
    *,
    margin: float = 0.1,
    dim: int | None = None,
    pool: Literal["auto", "mean", "gem", "mean+gem", "crelu", "crelu+gem"] = "auto",
    start: Literal["auto", "identity", "wccn", "discriminant", "blend"] = "auto",
    steps: int = 150,
    hold: float = 0.3,
    weights: PathLike | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> TrainedRank:
    """Train the head that ranks as triplets teach, as `tv train-rank` does.

    Args:
        encodings: the .h5 file of encodings.
        triplets: the .jsonl file of `make_triplets`.
        output: the .h5 file of the head to write.
        margin: by how much a positive is to be more similar than a negative.
        dim: dimensions of the vectors; None: as many as the encodings have channels.
        pool: how maps become vectors; `auto` is what ranks held-out photos best.
        start: what the head starts from; `auto` likewise.
        steps: at most so many steps of the hinge loss; 0 are none.
        hold: how strongly the head is held to its start.
        weights: a local file of the backbone's weights, for photos that must still be encoded.
        seed: the seed of the random numbers.
        report: told of progress; None: Python's `logging` is.

    Shapes: the encodings are (N, C, H, W) or (N, C), the head (D, C), or (D, 2C) of the
    poolings mean+gem and crelu, and (D, 3C) of crelu+gem.
    Dtypes: float16 in the file, trained in float32.
    Units: `margin` is a difference of cosines; figures are shares from 0 to 1.

    Raises:
        UsageError: encodings pooled in a way that the head cannot follow.
        BadInput: a file cannot be used, or no triplet is of its photos.
        Mismatch: the weights are not those that the file was encoded with.

    Source: Wang et al. 2014, "Learning Fine-grained Image Similarity with Deep Ranking".
    """
    from tvcli.core.ranking.learn_rank import learn_rank  # brings h5py
    from tvcli.core.ranking.rank_training import RankSettings

    source, specified, target = Path(encodings), Path(triplets), Path(output)
    inputs = input_files([str(source), str(specified)])
    made = made_by("train_rank", source, specified, target, inputs=inputs, seed=seed)
    settings = RankSettings(margin, dim, (pool,), start, steps, hold, seed)
    trained = learn_rank(
        source, specified, target, settings, report_of(report), made, weights=as_path(weights)
    )
    began = trained.start
    return TrainedRank(
        target, trained.before, trained.after, began.title, began.pool, trained.steps
    )
