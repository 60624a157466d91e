"""The jobs that are killed: what each starts from, what it writes, and what it may leave behind."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from scripts.reliability.states import State, state_of
from tvcli.core.files.records import write_records
from tvcli.demo.drawing import draw_collection

PHOTOS = 24
REMOVED = "dress-001-2.jpg"
SMALL = "--size 112 --batch 4 -q"
Run = Callable[[Path, list[str]], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A command of `tv` that writes `target`; `first` are the commands that make what is there.

    `change` is done to the folder between the two. Saved by the box editor (`saves`), a file may
    hold what any number of saves left.
    """

    name: str
    target: str
    command: str
    first: str = ""
    change: Callable[[Path], None] | None = None
    saves: bool = False
    allowed: list[State] = field(default_factory=list)


def change_photos(folder: Path) -> None:
    """Add a photo, change one, rename one, and remove one, as happens between two updates."""
    photos = sorted((folder / "photos").iterdir())
    Image.open(photos[0]).rotate(90).save(photos[0].with_name("added.jpg"))
    Image.open(photos[1]).rotate(180).save(photos[1])
    photos[2].rename(photos[2].with_name("renamed.jpg"))
    photos[3].unlink()


JOBS = [
    Job("encode", "out.h5", f"encode photos -o out.h5 {SMALL}"),
    Job(
        "encode over another",
        "out.h5",
        f"encode photos -o out.h5 {SMALL}",
        first=f"encode photos -o out.h5 {SMALL} --pool mean",
    ),
    Job("index", "out.tvx", f"index photos -o out.tvx {SMALL}"),
    Job(
        "index over another",
        "out.tvx",
        f"index photos -o out.tvx {SMALL}",
        first=f"index photos -o out.tvx {SMALL} --pool gem",
    ),
    Job(
        "index, annoy",
        "out.tvx",
        "index pooled.h5 -o out.tvx --engine annoy -q",
    ),
    Job(
        "index --update",
        "out.tvx",
        f"index photos -o out.tvx --update {SMALL}",
        first=f"index photos -o out.tvx {SMALL}",
        change=change_photos,
    ),
    Job(
        "index --remove",
        "out.tvx",
        f"index -o out.tvx --remove photos/{REMOVED} -q",
        first=f"index photos -o out.tvx {SMALL}",
    ),
    Job(
        "encode --update",
        "out.h5",
        f"encode photos -o out.h5 --update {SMALL}",
        first=f"encode photos -o out.h5 {SMALL}",
        change=change_photos,
    ),
    Job("crops", "out.jsonl", "crops boxes.jsonl -o out.jsonl -q"),
    Job("triplets", "out.jsonl", "triplets maps.h5 -o out.jsonl -q"),
    Job("train-classifier", "out.h5", "train-classifier crops.h5 -o out.h5 -q"),
    Job("train-boxes", "out.h5", "train-boxes crops.h5 -o out.h5 -q"),
    Job("train-rank", "out.h5", "train-rank maps.h5 triplets.jsonl -o out.h5 --steps 90 -q"),
    Job(
        "train-rank over another",
        "out.h5",
        "train-rank maps.h5 triplets.jsonl -o out.h5 --steps 90 -q --seed 1",
        first="train-rank maps.h5 triplets.jsonl -o out.h5 --steps 90 -q",
    ),
    Job("annotate boxes, saving", "out.jsonl", "", saves=True),
]


def draw(folder: Path) -> None:
    """Draw the photos and their boxes that all jobs work on."""
    each = 4
    records = list(draw_collection(folder, garments=PHOTOS // each, photos_each=each, size=128))
    write_records(folder / "boxes.jsonl", records)


PREPARED = [  # commands that make what the jobs read
    "crops boxes.jsonl -o crops.jsonl -q",
    f"encode crops.jsonl -o crops.h5 {SMALL}",
    f"encode boxes.jsonl -o maps.h5 {SMALL}",
    f"encode boxes.jsonl -o pooled.h5 {SMALL} --pool mean",
    "triplets maps.h5 -o triplets.jsonl -q",
]


def prepare(job: Job, inputs: Path, folder: Path, run: Run) -> Path:
    """Make the folder that every try of a job starts from, and find out what it may leave."""
    start, done = folder / "start", folder / "done"
    shutil.copytree(inputs, start, symlinks=True)
    if job.first:
        run(start, job.first.split())
    if job.change:
        job.change(start)
    shutil.copytree(start, done, symlinks=True)
    job.allowed.append(state_of(start / job.target))
    if job.saves:
        job.allowed.extend(_saved(done / job.target, done))
    else:
        run(done, job.command.split())
        job.allowed.append(state_of(done / job.target))
    return start


def save_boxes(folder: Path, target: Path, saved: Callable[[], None] = lambda: None) -> None:
    """Save a box for every photo, one after the other, as the box editor does."""
    from tvcli.serve.box_file import BoxFile
    from tvcli.serve.collection import Collection

    names = sorted(path.name for path in (folder / "photos").iterdir())
    collection = Collection(folder / "photos", names)
    boxes = BoxFile(target, collection)
    for place in range(len(collection.names)):
        boxes.put(place, boxes.version(place), [{"box": [1, 2, 30 + place, 40], "label": "x"}])
        saved()


def _saved(target: Path, folder: Path) -> list[State]:
    states: list[State] = []
    save_boxes(folder, target, lambda: states.append(state_of(target)))
    return states
