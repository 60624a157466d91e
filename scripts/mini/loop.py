"""The training loop: paced by time spent in steps, so that it ends when it was asked to."""

import copy
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from scripts.mini.cache import Arrays
from scripts.mini.student import Student, averaged, fitted_head, unfolded
from scripts.mini.teachers import GRID, normalised
from tvcli.core.backbones.mini import load
from tvcli.core.encoding.pooling import pool_maps

# Sides of the pictures in pixels, by progress: small ones first, as they are quick.
SIDES = ((0.5, (96, 112, 128)), (0.85, (112, 128, 144)), (1.01, (144, 160, 176)))
GROUP = 16  # pairs of one source side by side
# How often a source's pairs come in an epoch; 1 for the others: what people search most.
OFTEN = {
    "clothes": 3.0,
    "alexeygrigorev+clothing-dataset": 2.0,
    "marcusklasson+GroceryStoreDataset": 3.0,
    "startg2545+image-similarity-model": 1.5,
}
FIRST_STEPS = 40  # whose batches fit what a run begins with
STALL = 5.0  # seconds: a step that takes longer was stopped by someone, and counts as this much
TEMPERATURE = 0.1  # of the contrast between views
TEACHERS_TEMPERATURE = 0.1  # of the similarities that the teachers see within a batch


class Batch(NamedTuple):
    """Views of one step, those of a photo side by side, and what is wanted of them."""

    views: Tensor  # (N, side, side, 3) uint8
    targets: Tensor  # (N, GRID*GRID, 384)
    logits: Tensor  # (N, 1000)
    labels: Tensor  # (N,)
    kinds: Tensor  # (N,)
    photos: Tensor  # (N,)


@dataclass(frozen=True)
class Settings:
    """What decides the run, besides the cache: its length in minutes or, where given, in steps."""

    minutes: float
    steps: int | None = None
    seed: int = 0
    batch: int = 128
    rate: float = 1.2e-3
    decay: float = 0.05  # of weights
    average: float = 0.999
    save_every: float = 120.0  # seconds


@dataclass
class Run:
    """All that a checkpoint holds."""

    student: Student
    average: Student
    optimizer: torch.optim.Optimizer
    step: int = 0
    elapsed: float = 0.0


@torch.no_grad()
def begun(arrays: Arrays, sources: tuple[str, ...], settings: Settings, weights: Path) -> Student:
    """Return a student that computes what the given weights do, its heads fitted to that."""
    plain, _ = load(weights)
    batches = [batch_of(arrays, sources, step, 144, settings) for step in range(FIRST_STEPS)]
    photos = [normalised(batch.views) for batch in batches]
    student = Student()
    student.trunk = unfolded(plain, photos[:4])
    pooled = torch.cat([plain(batch).mean((2, 3)) for batch in photos])  # (N, 256)
    wanted = torch.cat([batch.targets.mean(1) for batch in batches])
    logits = torch.cat([batch.logits for batch in batches])
    fitted_head(pooled, wanted, student.targets)
    fitted_head(pooled, logits - logits.mean(1, keepdim=True), student.classes)
    return student


def fresh(
    arrays: Arrays,
    sources: tuple[str, ...],
    settings: Settings,
    weights: Path | None,
    device: torch.device,
) -> Run:
    """Return a run at step 0, from given weights or from nothing."""
    torch.manual_seed(settings.seed)
    student = Student() if weights is None else begun(arrays, sources, settings, weights)
    student = student.to(memory_format=torch.channels_last).to(device)
    kernels = [p for p in student.parameters() if p.ndim > 1]
    others = [p for p in student.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": kernels, "weight_decay": settings.decay},
        {"params": others},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.rate, weight_decay=0.0)
    return Run(student, copy.deepcopy(student).eval(), optimizer)


def save(run: Run, path: Path) -> None:
    """Write the checkpoint beside its place and rename it."""
    parts = {name: getattr(run, name).state_dict() for name in ("student", "average", "optimizer")}
    torch.save({**parts, "step": run.step, "elapsed": run.elapsed}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def resumed(run: Run, path: Path) -> Run:
    """Bring the run to the checkpoint, where there is one."""
    if path.exists():
        state: dict[str, Any] = torch.load(path, weights_only=True)
        for name in ("student", "average", "optimizer"):
            getattr(run, name).load_state_dict(state[name])
        run.step, run.elapsed = state["step"], state["elapsed"]
    return run


@lru_cache(maxsize=2)
def order_of(seed: int, epoch: int, sources: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the pairs of an epoch in groups of one source, in random order.

    Groups of GROUP pairs of one source make the contrast hard: to tell a shirt from a shirt.
    """
    rng, named = np.random.default_rng([seed, epoch]), np.array(sources)
    groups = []
    for source in sorted(set(sources)):
        often = OFTEN.get(source, 1.0)
        own = rng.permutation(np.repeat(np.flatnonzero(named == source), math.ceil(often)))
        own = own[: round(len(own) * often / math.ceil(often))]
        groups += [own[at : at + GROUP] for at in range(0, len(own), GROUP)]
    return np.concatenate([groups[n] for n in rng.permutation(len(groups))])


def rows_of(step: int, sources: tuple[str, ...], settings: Settings) -> NDArray[np.int64]:
    """Return the sorted rows of one step's batch: both views of each photo."""
    batch = settings.batch // 2
    per_epoch = len(order_of(settings.seed, 0, sources)) // batch
    epoch, place = divmod(step, per_epoch)
    chosen = np.sort(order_of(settings.seed, epoch, sources)[place * batch :][:batch])
    return np.stack([2 * chosen, 2 * chosen + 1], 1).ravel()


def side_of(step: int, progress: float) -> int:
    """Return the side of the pictures of this step."""
    sides = next(sides for until, sides in SIDES if progress < until)
    return sides[step % len(sides)]


def resized(views: Tensor, side: int) -> Tensor:
    """(N, S, S, 3) uint8 -> (N, side, side, 3) uint8."""
    small = F.interpolate(views.permute(0, 3, 1, 2), (side, side), mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1)


def mirrored(views: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror half of the views and the grid of their targets."""
    flip = torch.rand(len(views), generator=generator) < 0.5
    grid = targets.view(len(targets), GRID, GRID, -1)  # (N, rows, columns, C)
    views = torch.where(flip[:, None, None, None], views.flip(2), views)
    return views, torch.where(flip[:, None, None, None], grid.flip(2), grid).flatten(1, 2)


def recoloured(views: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast and saturation of most views; some lose their colours."""
    bright, contrast, colour = (
        torch.empty(len(views), 1, 1, 1).uniform_(0.65, 1.35, generator=generator) for _ in range(3)
    )
    kept, grey = (torch.rand(len(views), 1, 1, 1, generator=generator) for _ in range(2))
    colour = torch.where(grey < 0.05, 0.0, colour)
    x = views.float()
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * contrast + mean * bright
    luma = x.mean(3, keepdim=True)
    x = luma + (x - luma) * colour
    return torch.where(kept < 0.25, views, x.clamp(0, 255).to(torch.uint8))


def batch_of(
    arrays: Arrays, sources: tuple[str, ...], step: int, side: int, settings: Settings
) -> Batch:
    """Return the step's batch; what the teachers saw, the student sees in other light."""
    rows = rows_of(step, sources, settings)
    names = ("views", "targets", "logits", "labels", "kinds", "photos")
    views, targets, logits, labels, kinds, photos = (
        torch.from_numpy(arrays[name][rows]) for name in names
    )
    generator = torch.Generator().manual_seed(step)
    views, targets = mirrored(views, targets.float(), generator)
    views = recoloured(resized(views, side), generator)
    return Batch(views, targets, logits.float(), labels.long(), kinds, photos)


def class_loss(logits: Tensor, theirs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy to the teacher's probabilities, a third of them replaced by known labels."""
    wanted = theirs.softmax(1)
    known = F.one_hot(labels.clamp(min=0), wanted.shape[1]).float()
    wanted = torch.where((labels >= 0)[:, None], 0.65 * wanted + 0.35 * known, wanted)
    return -(wanted * logits.log_softmax(1)).sum(1).mean()


def descriptor(encoding: Tensor) -> Tensor:
    """Return what photos are compared by: mean and generalised mean of the map, (N, 512)."""
    vectors: Tensor = pool_maps(encoding, "mean+gem")
    return F.normalize(vectors, dim=1)


def contrast_loss(vectors: Tensor, photos: Tensor, kinds: Tensor) -> Tensor:
    """Cross-entropy of each view's other view among the batch (van den Oord et al. 2018, eq. 4).

    What is known to be of the same kind is not held against it.
    """
    scores = vectors @ vectors.T / TEMPERATURE  # (N, N)
    same = (photos[:, None] == photos) | alike(kinds)
    other = torch.arange(len(photos), device=photos.device) ^ 1
    hidden = same.scatter(1, other[:, None], False)  # itself, and further views of the photo
    return F.cross_entropy(scores.masked_fill(hidden, -torch.inf), other)


def alike(kinds: Tensor) -> Tensor:
    """Return which views are known to be of the same kind, (N,) -> (N, N)."""
    return (kinds[:, None] == kinds) & (kinds >= 0)


def kind_loss(vectors: Tensor, photos: Tensor, kinds: Tensor) -> Tensor:
    """Cross-entropy of other photos of each view's kind (Khosla et al. 2020, eq. 2).

    Zero where the batch has no two photos of a kind.
    """
    same = photos[:, None] == photos
    wanted = alike(kinds) & ~same  # (N, N)
    scores = (vectors @ vectors.T / TEMPERATURE).masked_fill(same, -torch.inf)
    logs = torch.where(wanted, scores.log_softmax(1), 0.0).sum(1) / wanted.sum(1).clamp(min=1)
    return -logs.sum() / wanted.any(1).sum().clamp(min=1)


def neighbour_loss(vectors: Tensor, theirs: Tensor) -> Tensor:
    """Divergence of the batch's similarities from the teachers', by row (Passalis, Tefas 2018)."""
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    wanted = F.normalize(theirs, dim=1)
    wanted = (wanted @ wanted.T / TEACHERS_TEMPERATURE).masked_fill(itself, -1e4).softmax(1)
    scores = (vectors @ vectors.T / TEACHERS_TEMPERATURE).masked_fill(itself, -1e4)
    return F.kl_div(scores.log_softmax(1), wanted, reduction="batchmean")


def losses(made: tuple[Tensor, Tensor, Tensor], batch: Batch) -> dict[str, Tensor]:
    """Return each term, weighed.

    The pooled vector's error and angle to the targets, every place's error, the class, which of
    the views are of one photo, which are of one kind, and which the teachers find similar.
    """
    encoding, grid, logits = (part.float() for part in made)
    pooled, wanted = grid.mean(1), batch.targets.mean(1)  # (N, 384)
    vectors = descriptor(encoding)
    return {
        "pooled": F.mse_loss(pooled, wanted),
        "angle": 1 - F.cosine_similarity(pooled, wanted).mean(),
        "places": F.mse_loss(grid, batch.targets) / 2,
        "class": class_loss(logits, batch.logits, batch.labels) / 10,
        "contrast": contrast_loss(vectors, batch.photos, batch.kinds) / 3,
        "kind": kind_loss(vectors, batch.photos, batch.kinds) / 6,
        "neighbours": neighbour_loss(vectors, wanted) / 2,
    }


def rate_at(progress: float, settings: Settings) -> float:
    """Return the learning rate: a short rise, then half a cosine down to nothing."""
    warm = min(1.0, progress / 0.02)
    return settings.rate * warm * (1 + math.cos(math.pi * min(1.0, progress))) / 2


def train_step(
    run: Run, batch: Batch, settings: Settings, device: torch.device
) -> dict[str, float]:
    """Do one step and return its losses."""
    batch = Batch(*(part.to(device) for part in batch))
    with torch.autocast(device.type, torch.bfloat16):
        made = run.student(normalised(batch.views).contiguous(memory_format=torch.channels_last))
    terms = losses(made, batch)
    run.optimizer.zero_grad(set_to_none=True)
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.student.parameters(), 5.0)
    run.optimizer.step()
    averaged(run.average, run.student, min(settings.average, run.step / (run.step + 20)))
    return {name: term.item() for name, term in terms.items()}


class Threads:
    """Gives way on a busy machine: threads that wait for each other there crawl, one walks.

    It tells by the CPU time of a step, so threads must not spin: OMP_WAIT_POLICY=PASSIVE.
    """

    def __init__(self, most: int) -> None:
        self.most, self.alone_until = most, 0

    def choose(self, step: int) -> None:
        """Set the number of threads of this step."""
        torch.set_num_threads(1 if step < self.alone_until else self.most)

    def learn(self, step: int, wall: float, cpu: float) -> None:
        """Take one thread for the next steps where the threads got too little of the cores."""
        if step >= self.alone_until and cpu < 0.7 * self.most * wall:
            self.alone_until = step + 25


def progress_of(run: Run, settings: Settings, ahead: int = 0) -> float:
    """Return how much of the run is done, 0 to 1: of its steps if they are given, or its time.

    `ahead` steps further on, where that is known.
    """
    if settings.steps is not None:
        return (run.step + ahead) / settings.steps
    return run.elapsed / (60 * settings.minutes)


def steps(
    arrays: Arrays,
    sources: tuple[str, ...],
    run: Run,
    settings: Settings,
    device: torch.device,
    log_every: int = 50,
) -> Iterator[str]:
    """Train to the end; yield one line of the log for every so many steps.

    A thread makes the batch of the next step while this one trains.
    """
    sums: dict[str, float] = {}
    threads = Threads(torch.get_num_threads())
    with ThreadPoolExecutor(1) as maker:

        def making(ahead: int) -> Future[Batch]:
            step = run.step + ahead
            side = side_of(step, min(1.0, progress_of(run, settings, ahead)))
            return maker.submit(batch_of, arrays, sources, step, side, settings)

        batch = making(0)
        while (progress := progress_of(run, settings)) < 1:
            threads.choose(run.step)
            began, cpu = time.perf_counter(), time.process_time()
            for group in run.optimizer.param_groups:
                group["lr"] = rate_at(progress, settings)
            this, batch = batch.result(), making(1)
            for name, value in train_step(run, this, settings, device).items():
                sums[name] = sums.get(name, 0.0) + value / log_every
            wall = time.perf_counter() - began
            threads.learn(run.step, wall, time.process_time() - cpu)
            run.step, run.elapsed = run.step + 1, run.elapsed + min(STALL, wall)
            if run.step % log_every == 0:
                yield json.dumps({"step": run.step, "elapsed": round(run.elapsed, 1), **sums})
                sums = {}


def train(
    arrays: Arrays,
    sources: tuple[str, ...],
    folder: Path,
    settings: Settings,
    weights: Path | None,
    device: torch.device,
) -> Run:
    """Run to the end from the last checkpoint; log and checkpoint in the folder.

    `sources` names the set of each pair's photo.
    """
    checkpoint = folder / "run.pt"
    beginning = None if checkpoint.exists() else weights
    run = resumed(fresh(arrays, sources, settings, beginning, device), checkpoint)
    run.student.train()
    (folder / "settings.json").write_text(json.dumps(asdict(settings)))
    saved = run.elapsed
    with (folder / "log.jsonl").open("a", buffering=1) as log:
        for line in steps(arrays, sources, run, settings, device):
            log.write(line + "\n")
            if run.elapsed - saved > settings.save_every:
                save(run, checkpoint)
                saved = run.elapsed
    save(run, checkpoint)
    return run
