"""Kill jobs of `tv` at random moments and see that nothing is lost.

python -m scripts.reliability.kill --tries 300

Each try starts a job in a fresh copy of its folder, sends it SIGKILL at a random moment, and sees
that the target opens and holds the state before the job or the one after it, that the same command,
given again, ends in the state after, and that no other file is changed or left.

A job runs in a fork of this process, which has loaded everything, so that a kill lands in its work
rather than in its imports. `--installed N` of the tries kill the installed `tv` itself.
"""

import argparse
import importlib
import os
import pkgutil
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import tvcli.core
from scripts.reliability.jobs import JOBS, PREPARED, Job, draw, prepare, save_boxes
from scripts.reliability.states import rows_of, state_of
from tvcli.cli import run as run_tv
from tvcli.core.encoding import checkpoints
from tvcli.core.errors import TvError

PART_SECONDS = 0.05  # parts as short as the jobs are, so that kills land between them too


@dataclass(slots=True)
class Count:
    """What became of the tries of one job."""

    tries: int = 0
    too_late: int = 0  # the job had ended
    before: int = 0
    after: int = 0
    finished: int = 0  # by the same command, given again
    lost: int = 0  # rows
    faults: int = 0


def main() -> int:
    """Run the tries and print the table; exit status 1 where anything was lost."""
    options = _options()
    load_everything()
    with tempfile.TemporaryDirectory(prefix="tv-kill-") as folder:
        counts, faults = kill_jobs(
            Path(folder),
            [job for job in JOBS if options.only in job.name],
            options.tries,
            options.installed,
            options.seed,
        )
    _print(counts)
    for fault in faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return 1 if faults else 0


def load_everything() -> None:
    """Import all of core, and torch with it."""
    for module in pkgutil.walk_packages(tvcli.core.__path__, "tvcli.core."):
        with suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(module.name)


def kill_jobs(
    folder: Path, jobs: list[Job], tries: int, installed: int, seed: int
) -> tuple[dict[str, Count], list[str]]:
    """Kill jobs in turn; return what became of them, and every fault in words."""
    rng = random.Random(seed)
    inputs = folder / "inputs"
    _in_fork(lambda: draw(inputs))
    for command in PREPARED:
        _run_to_end(inputs, command.split())
    counts, faults = {job.name: Count() for job in jobs}, list[str]()
    starts: dict[str, tuple[Path, float]] = {}
    for number in range(tries):
        job = jobs[number % len(jobs)]
        if job.name not in starts:
            start = prepare(job, inputs, folder / job.name, _run_to_end)
            starts[job.name] = start, _duration(job, start, folder / "timed")
        start, lasts = starts[job.name]
        real = number >= tries - installed and bool(job.command)
        place = folder / f"try-{number}"
        fault = _try(job, start, place, rng.uniform(0, lasts), real, counts[job.name])
        if fault:
            faults.append(f"{job.name}, try {number}: {fault}")
            counts[job.name].faults += 1
        shutil.rmtree(place)
    return counts, faults


def _try(
    job: Job, start: Path, place: Path, delay: float, installed: bool, count: Count
) -> str | None:
    shutil.copytree(start, place, symlinks=True)
    others = _contents(place, job.target)
    count.tries += 1
    ended = _kill_installed(job, place, delay) if installed else _kill_fork(job, place, delay)
    count.too_late += ended
    try:
        state = state_of(place / job.target)
        if state not in job.allowed:
            count.lost += max(0, min(map(rows_of, job.allowed)) - rows_of(state))
            return "neither the state before nor the one after"
        count.before += state == job.allowed[0]
        count.after += state == job.allowed[-1]
        _run_job(job, place)
        if state_of(place / job.target) != job.allowed[-1]:
            return "given again, the command ends in another state"
    except TvError as error:
        count.lost += max(map(rows_of, job.allowed))
        return str(error)
    count.finished += 1
    if _contents(place, job.target) != others:
        left = sorted(set(_contents(place, job.target)) ^ set(others)) or "a changed file"
        return f"other files were touched or left: {left}"
    return None


def _contents(folder: Path, target: str) -> dict[str, bytes]:
    """Return all files of a folder but the target's: itself, those in it, the stamps beside it."""
    own = (folder / target, folder / f".{target}.stamps")
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if path not in own and folder / target not in path.parents
    }


def _duration(job: Job, start: Path, place: Path) -> float:
    shutil.copytree(start, place, symlinks=True)
    began = time.monotonic()
    _run_job(job, place)
    shutil.rmtree(place)
    return time.monotonic() - began


def _run_job(job: Job, folder: Path) -> None:
    if job.saves:
        _in_fork(lambda: save_boxes(folder, folder / job.target))
    else:
        _run_to_end(folder, job.command.split())


def _run_to_end(folder: Path, arguments: list[str]) -> None:
    _in_fork(lambda: _work(folder, arguments))


def _work(folder: Path, arguments: list[str]) -> None:
    os.chdir(folder)
    checkpoints.PART_SECONDS = PART_SECONDS
    status = run_tv(arguments)
    if status:
        raise RuntimeError(f"tv {' '.join(arguments)}: status {status}")


def _in_fork(work: Callable[[], None]) -> None:
    _, status = os.waitpid(_fork(work), 0)
    if status:
        raise RuntimeError("a job that was not killed failed")


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        os._exit(status)


def _kill_fork(job: Job, folder: Path, delay: float) -> bool:
    """Start a job in a fork, kill it after a while, and tell whether it had ended by then."""
    if job.saves:
        child = _fork(lambda: save_boxes(folder, folder / job.target))
    else:
        child = _fork(lambda: _work(folder, job.command.split()))
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def _kill_installed(job: Job, folder: Path, delay: float) -> bool:
    tv = Path(sys.executable).with_name("tv")
    process = subprocess.Popen(
        [tv, *job.command.split()], cwd=folder, stderr=subprocess.DEVNULL, start_new_session=True
    )
    before = set(folder.rglob("*"))
    while process.poll() is None and set(folder.rglob("*")) == before:
        time.sleep(0.005)  # until it starts to write
    time.sleep(delay / 4)
    with_group = process.poll() is None
    if with_group:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return not with_group


def _print(counts: dict[str, Count]) -> None:
    columns = ("tries", "too late", "before", "after", "finished", "lost rows", "faults")
    print("| killed | " + " | ".join(columns) + " |")
    print("|---" + "|---:" * len(columns) + "|")
    total = Count()
    for name, count in [*counts.items(), ("all", total)]:
        values = [getattr(count, field) for field in Count.__slots__]
        print(f"| {name} | " + " | ".join(map(str, values)) + " |")
        for field, value in zip(Count.__slots__, values, strict=True):
            setattr(total, field, getattr(total, field) + value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tries", type=int, default=300)
    parser.add_argument("--installed", type=int, default=15, help="of the tries, by the real tv")
    parser.add_argument("--only", default="", help="jobs whose names have this in them")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
