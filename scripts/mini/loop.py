"""The training loop: paced by time spent in steps, so that it ends when it was asked to."""

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from scripts.mini.cache import Arrays
from scripts.mini.student import Student, averaged
from scripts.mini.teachers import GRID, normalised

SIDES = ((0.55, (96, 112, 128)), (0.85, (112, 128, 144)), (1.01, (128, 144, 144)))  # by progress
STALL = 5.0  # seconds: a step that takes longer was stopped by someone, and counts as this much
Batch = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Settings:
    """What decides the run, besides the cache: its length in minutes or, where given, in steps."""

    minutes: float
    steps: int | None = None
    seed: int = 0
    batch: int = 128
    rate: float = 2e-3
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


def fresh(settings: Settings, device: torch.device) -> Run:
    """Return a run at step 0."""
    torch.manual_seed(settings.seed)
    student = Student().to(memory_format=torch.channels_last).to(device)
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


@lru_cache(maxsize=1)
def order_of(seed: int, epoch: int, views: int) -> NDArray[np.int64]:
    """Return the epoch's permutation of the views."""
    return np.random.default_rng([seed, epoch]).permutation(views)


def rows_of(step: int, views: int, settings: Settings) -> NDArray[np.int64]:
    """Return the sorted rows of one step's batch."""
    epoch, place = divmod(step, views // settings.batch)
    order = order_of(settings.seed, epoch, views)
    return np.sort(order[place * settings.batch :][: settings.batch])


def side_of(step: int, progress: float) -> int:
    """Return the side of the pictures of this step: small ones first, as they are quick."""
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


def batch_of(arrays: Arrays, step: int, side: int, settings: Settings) -> Batch:
    """Return views (N, side, side, 3) uint8, targets, logits float32, labels of the step."""
    rows = rows_of(step, len(arrays["labels"]), settings)
    views, targets, logits, labels = (
        torch.from_numpy(arrays[name][rows]) for name in ("views", "targets", "logits", "labels")
    )
    generator = torch.Generator().manual_seed(step)
    views, targets = mirrored(views, targets.float(), generator)
    return resized(views, side), targets, logits.float(), labels.long()


def class_loss(logits: Tensor, theirs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy to the teacher's probabilities, a third of them replaced by known labels."""
    wanted = theirs.softmax(1)
    known = F.one_hot(labels.clamp(min=0), wanted.shape[1]).float()
    wanted = torch.where((labels >= 0)[:, None], 0.65 * wanted + 0.35 * known, wanted)
    return -(wanted * logits.log_softmax(1)).sum(1).mean()


def losses(grid: Tensor, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return each term: the pooled vector's error and angle, every place's error, the class."""
    _, targets, theirs, labels = batch
    pooled, wanted = grid.mean(1), targets.mean(1)  # (N, C)
    return {
        "pooled": F.mse_loss(pooled, wanted),
        "angle": 1 - F.cosine_similarity(pooled, wanted).mean(),
        "places": F.mse_loss(grid, targets) / 2,
        "class": class_loss(logits, theirs, labels) / 10,
    }


def rate_at(progress: float, settings: Settings) -> float:
    """Return the learning rate: a short rise, then half a cosine down to nothing."""
    warm = min(1.0, progress / 0.02)
    return settings.rate * warm * (1 + math.cos(math.pi * min(1.0, progress))) / 2


def train_step(
    run: Run, batch: Batch, settings: Settings, device: torch.device
) -> dict[str, float]:
    """Do one step and return its losses."""
    batch = tuple(part.to(device) for part in batch)  # type: ignore[assignment]
    with torch.autocast(device.type, torch.bfloat16):
        grid, logits = run.student(normalised(batch[0]))
    terms = losses(grid.float(), logits.float(), batch)
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


def progress_of(run: Run, settings: Settings) -> float:
    """Return how much of the run is done, 0 to 1: of its steps if they are given, or its time."""
    if settings.steps is not None:
        return run.step / settings.steps
    return run.elapsed / (60 * settings.minutes)


def steps(arrays: Arrays, run: Run, settings: Settings, device: torch.device) -> Iterator[str]:
    """Train to the end; yield one line of the log for every 50 steps."""
    sums: dict[str, float] = {}
    threads = Threads(torch.get_num_threads())
    while (progress := progress_of(run, settings)) < 1:
        threads.choose(run.step)
        began, cpu = time.perf_counter(), time.process_time()
        for group in run.optimizer.param_groups:
            group["lr"] = rate_at(progress, settings)
        batch = batch_of(arrays, run.step, side_of(run.step, progress), settings)
        for name, value in train_step(run, batch, settings, device).items():
            sums[name] = sums.get(name, 0.0) + value / 50
        wall = time.perf_counter() - began
        threads.learn(run.step, wall, time.process_time() - cpu)
        run.step, run.elapsed = run.step + 1, run.elapsed + min(STALL, wall)
        if run.step % 50 == 0:
            yield json.dumps({"step": run.step, "elapsed": round(run.elapsed, 1), **sums})
            sums = {}


def train(arrays: Arrays, folder: Path, settings: Settings, device: torch.device) -> Run:
    """Run to the end from the last checkpoint; log and checkpoint in the folder."""
    run, checkpoint = resumed(fresh(settings, device), folder / "run.pt"), folder / "run.pt"
    run.student.train()
    (folder / "settings.json").write_text(json.dumps(asdict(settings)))
    saved = run.elapsed
    with (folder / "log.jsonl").open("a", buffering=1) as log:
        for line in steps(arrays, run, settings, device):
            log.write(line + "\n")
            if run.elapsed - saved > settings.save_every:
                save(run, checkpoint)
                saved = run.elapsed
    save(run, checkpoint)
    return run
