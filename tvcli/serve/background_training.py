"""Trains both heads in the background on the boxes saved so far, and again as they become more."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tvcli.core.errors import BadInput, TvError, reason_of
from tvcli.core.files.atomic_write import atomic_write, told_unwritable
from tvcli.core.files.locks import check_writable, writing
from tvcli.core.files.own_files import OwnKind, check_own
from tvcli.core.files.records import Record, write_records
from tvcli.core.location.crops import CropSettings
from tvcli.core.location.locate import Locator
from tvcli.core.location.pair_training import BOXES_FILE, CLASSIFIER_FILE, load_pair
from tvcli.serve.training_process import BOXES, RESULT

LEAST = 15  # photos with boxes: from fewer, a prototype is as good (docs/notes/location.md)
GROWTH = 1.5  # times the photos of the training before, until the next one
NICE = 10  # steps down in priority: the page and its proposals come first
CROPS = CropSettings()
HEADS: dict[str, OwnKind] = {CLASSIFIER_FILE: "classifier head", BOXES_FILE: "boxes head"}
Training = subprocess.Popen[bytes]


class Trained(NamedTuple):
    """A locator of trained heads, on how many photos, and its mean IoU on those held out."""

    locator: Locator
    photos: int
    held_out: int
    iou: float


class BackgroundTraining:
    """One training at a time, in a process that can be killed at any moment without harm.

    It works on a copy of the boxes in a folder of its own, which is gone when it ends. `records`
    gives the boxes with absolute paths, `ready` is called once there are new heads. They are also
    copied into the folder `keep`, if there is one; where that fails they propose all the same.

    Raises:
        UsageError: files of others are where heads would be kept.
        BadInput: that folder cannot be made, or written.
    """

    def __init__(
        self,
        records: Callable[[], list[Record]],
        ready: Callable[[], None],
        keep: Path | None = None,
    ) -> None:
        self._records, self._ready, self._keep = records, ready, keep
        self.trained: Trained | None = None
        self._photos = 0  # with boxes, now
        self._last = 0  # with boxes, when a training was begun last
        self._running: int | None = None  # photos of the one that is running
        self._failed = ""  # why the last one brought nothing
        self._unkept = ""  # why the heads of the last one were not kept
        self._process: Training | None = None
        self._lock, self._changed = threading.Lock(), threading.Event()
        self._stopped = False
        if keep is not None:
            _check_folder(keep)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def process(self) -> int | None:
        """The number of the process that is training, None where none is."""
        process = self._process
        return None if process is None else process.pid

    def told(self) -> dict[str, Any]:
        """Return which heads propose, if any, what is being trained, and what failed."""
        trained = self.trained
        return {
            "trained": trained
            and {
                "photos": trained.photos,
                "held_out": trained.held_out,
                "iou": round(trained.iou, 3),
            },
            "training": self._running,
            "failed": self._failed,
            "unkept": self._unkept,
        }

    def consider(self, photos: int) -> None:
        """Train, where there are enough photos with boxes by now; returns at once."""
        self._photos = photos
        self._changed.set()

    def stop(self) -> None:
        """Train no more; what is being trained is given up."""
        with self._lock:
            self._stopped = True
            if (process := self._process) is not None:
                process.kill()
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            if self._stopped:
                return
            while not self._stopped and self._photos >= max(LEAST, GROWTH * self._last):
                self._last = self._running = self._photos
                self._failed = self._unkept = ""
                try:
                    self.trained = self._train()
                except Exception as error:
                    self._failed = reason_of(error)
                self._running = None
                if not self._failed:
                    self._ready()

    def _train(self) -> Trained:
        with TemporaryDirectory(prefix="tv-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            write_records(folder / BOXES, self._records())
            self._wait(folder)
            try:
                told = json.loads((folder / RESULT).read_text("utf-8"))
            except FileNotFoundError:
                raise BadInput("the training ended before it was done") from None
            if "error" in told:
                raise BadInput(told["error"].replace(name + os.sep, ""))
            locator = load_pair(folder, told["objects"])
            if self._keep is not None:
                self._unkept = _kept(folder, self._keep)
            return Trained(locator, told["photos"], told["held_out"], told["iou"])

    def _wait(self, folder: Path) -> None:
        """Run the process to its end, or until all is stopped."""
        with self._lock:
            if self._stopped:
                return
            self._process = process = _started(folder)
        with process:  # closes its input, too
            process.wait()
        self._process = None


def _started(folder: Path) -> Training:
    words = [str(folder), str(NICE), json.dumps(asdict(CROPS))]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tvcli.serve.training_process", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,  # which ends with this process
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the server, which ends it
    )


def _kept(trained: Path, folder: Path) -> str:
    """Copy both heads from one folder into another, or neither; return what hindered that."""
    try:
        with told_unwritable(folder), ExitStack() as stack:
            for head, kind in HEADS.items():  # neither takes its place before both are copied
                target = folder / head
                check_own(target, kind)
                stack.enter_context(writing(target))
                partial = stack.enter_context(atomic_write(target))
                shutil.copyfile(trained / target.name, partial)
    except TvError as error:
        return str(error)
    return ""


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made: {error.strerror}") from error
    for head, kind in HEADS.items():
        target = folder / head
        check_own(target, kind)
        check_writable(target)
