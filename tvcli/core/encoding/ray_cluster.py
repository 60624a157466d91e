"""Encoding on a Ray cluster: an actor for each CPU or GPU, each work unit to whoever is free.

Ray Data hands out the work units, and gives those of dead workers to others; the parts are written
by the actors, to storage that all nodes share. The one module that imports ray, and only when asked
to.
"""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvcli import __version__
from tvcli.core.backbones.specs import Device, Runtime
from tvcli.core.encoding.checkpoints import PartsMaker, part_path
from tvcli.core.encoding.encode import chunked
from tvcli.core.encoding.encoder import GPU_BATCH, Encoder, encoder_of
from tvcli.core.encoding.work_units import (
    WorkUnit,
    encode_work_unit,
    filled_parts,
    tell_part,
    write_work_units,
)
from tvcli.core.errors import BadInput, TvError, UsageError
from tvcli.core.files.sources import Source
from tvcli.core.reports import Report

PATIENCE = 10.0  # seconds for the head of a cluster to answer
OWN_CLUSTER = {"object_store_memory": 300 * 2**20, "include_dashboard": False}  # rows go to files


@dataclass(frozen=True, slots=True)
class Job:
    """What an actor needs to know: where the work units are, and how to make the encoder."""

    folder: Path
    root: Path
    encoder: dict[str, Any]
    weights_file: str | None
    runtime: Runtime
    batch: int
    device: Device
    threads: int
    version: str = __version__


class WorkUnitEncoder:
    """An actor: encodes work units into parts; what goes wrong comes back as text."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._encoder: Encoder | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Encode the work units of a batch; `error` is empty for those that are done."""
        work_units = [
            WorkUnit(int(n), int(o)) for n, o in zip(batch["number"], batch["offset"], strict=True)
        ]
        return {
            "number": batch["number"],
            "error": [self._try(work_unit) for work_unit in work_units],
        }

    def _try(self, work_unit: WorkUnit) -> str:
        try:
            if self.job.version != __version__:
                raise BadInput(
                    f"a worker runs tv {__version__}, not {self.job.version}: upgrade it"
                )
            self._encoder = self._encoder or self._make()
            encode_work_unit(
                self.job.folder, work_unit, self.job.root, self._encoder, self.job.threads
            )
        except (TvError, OSError) as error:
            return str(error)
        return ""

    def _make(self) -> Encoder:
        job = self.job
        encoder = encoder_of(
            job.encoder, job.weights_file, device=job.device, runtime=job.runtime, by_user=True
        )
        encoder.batch = job.batch
        return encoder


def parts_by_cluster(address: str, device: Device = "auto") -> PartsMaker:
    """Return what makes the parts of a job on the cluster at `address`.

    `auto` is the one that runs here or RAY_ADDRESS names, `local` one just for this job.

    Raises:
        UsageError: ray is not installed.
        BadInput: no cluster there, or it does not let us in.
    """
    ray = _ray()

    def make(folder: Path, source: Source, encoder: Encoder, report: Report) -> Iterator[Path]:
        report.start("encoding", "photos", source.total)  # a bar takes hold of stdout: before Ray
        with _connected(ray, address):
            job, actors = _job(ray, folder, source, encoder, device)
            chunks = chunked(source.regions, job.batch)
            missing = write_work_units(job.folder, chunks, job.root)
            for path in folder.glob("part-*.h5"):
                tell_part(path, job.root, report)
            while missing:
                missing = _round(ray, job, missing, actors, report)
        yield from filled_parts(folder)

    return make


def _round(
    ray: Any, job: Job, work_units: list[WorkUnit], actors: dict[str, Any], report: Report
) -> list[WorkUnit]:
    """Have work units encoded; return those still missing because too many workers died."""
    done: set[int] = set()
    try:
        nodes = _nodes(ray)
        for row in _rows(ray, job, work_units, actors):
            if row["error"]:
                raise BadInput(row["error"])
            done.add(int(row["number"]))
            tell_part(part_path(job.folder, int(row["number"])), job.root, report)
            before, nodes = nodes, _nodes(ray)
            if nodes < before:
                report.note(
                    f"a node of the cluster is gone, {nodes} are left: its work goes to them"
                )
    except ray.exceptions.RayError as error:
        if not done:
            reason = str(error).strip().splitlines()[0]
            raise BadInput(f"the cluster gave up: {reason}; what is done is kept") from error
        report.note("workers of the cluster died; what they left undone is given out again")
    return [work_unit for work_unit in work_units if work_unit.number not in done]


def _nodes(ray: Any) -> int:
    """Return how many nodes of the cluster are alive."""
    return sum(bool(node["Alive"]) for node in ray.nodes())


def _rows(
    ray: Any, job: Job, work_units: list[WorkUnit], actors: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the number of each work unit as it is done, in no order."""
    items = [{"number": work_unit.number, "offset": work_unit.offset} for work_unit in work_units]
    blocks = min(len(items), 10_000)
    todo = ray.data.from_items(items, override_num_blocks=blocks).map_batches(
        WorkUnitEncoder,
        batch_size=1,
        fn_constructor_args=(job,),
        compute=ray.data.ActorPoolStrategy(
            min_size=1, initial_size=min(len(items), actors["many"])
        ),
        **actors["each"],
    )
    yield from todo.iter_rows()


def _job(
    ray: Any, folder: Path, source: Source, encoder: Encoder, device: Device
) -> tuple[Job, dict[str, Any]]:
    """Return the job, and how many actors it gets with what each: an actor for a GPU, or a CPU."""
    there = ray.cluster_resources()
    cpus, gpus = int(there.get("CPU", 0)), int(there.get("GPU", 0))
    if cpus < 1 or (device == "cuda" and gpus < 1):
        raise BadInput(f"the cluster has {cpus} CPUs and {gpus} GPUs: nothing to encode on")
    on_gpu = gpus > 0 and device != "cpu"
    threads = max(1, cpus // gpus) if on_gpu else 1
    job = Job(
        folder.absolute(),
        source.root,
        encoder.spec,
        encoder.weights_file,
        "torch" if on_gpu else encoder.network.runtime,
        max(encoder.batch, GPU_BATCH) if on_gpu else encoder.batch,
        "cuda" if on_gpu else "cpu",
        threads,
    )
    each = {"num_cpus": threads} | ({"num_gpus": 1} if on_gpu else {})
    return job, {"many": gpus if on_gpu else cpus, "each": each}


@contextlib.contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Join the cluster, and leave it; what Ray prints goes nowhere, since stdout is for data."""
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its C++ part writes to stderr itself
    _knock(address)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            with _deaf():
                own = OWN_CLUSTER if address == "local" else {}
                ray.init(address=address, log_to_driver=False, logging_level="CRITICAL", **own)
        except Exception as error:  # ConnectionError, RuntimeError, AuthenticationError, …
            reason = str(error).strip().splitlines()[0]
            raise BadInput(f"--ray {address}: no cluster that lets us in: {reason}") from error
        try:
            ray.data.DataContext.get_current().enable_progress_bars = False
            yield
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """See that something listens at HOST:PORT: Ray itself would wait for minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()) or "/" in host:
        raise UsageError(f"--ray {address}: auto, local, or HOST:PORT of the cluster's head")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise BadInput(f"--ray {address}: nothing answers there: {error}") from error


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let nothing reach stderr, not even from C++."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _ray() -> Any:
    try:
        import ray
        import ray.data
        import ray.exceptions
    except ImportError as error:
        raise UsageError("--ray: needs Ray: pip install 'tvcli[ray]'") from error
    return ray
