"""One writer at a time, seen by real processes."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tvcli.core.errors import BadInput
from tvcli.core.files import locks
from tvcli.core.files.locks import Locked, lock_file, writing

HOLD = """
import sys, time
from pathlib import Path
from tvcli.core.files.locks import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holder(target: Path) -> Iterator[subprocess.Popen[str]]:
    """Run another process that is writing a target."""
    command = [sys.executable, "-c", HOLD, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    target = tmp_path / "x.tvx"
    with holder(target) as process:
        with (
            pytest.raises(Locked, match=f"is being written by process {process.pid} since"),
            writing(target),
        ):
            pass
        with writing(tmp_path / "y.tvx"):
            pass
    assert Locked.status == 3


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    target = tmp_path / "x.tvx"
    partial = tmp_path / ".x.tvx.123-456.partial"
    other = tmp_path / ".x.tvx.h5.123.partial"
    with holder(target) as process:
        partial.mkdir()
        other.touch()
        process.kill()
        process.wait()
    assert json.loads(lock_file(target).read_text())["pid"] == process.pid
    with writing(target):
        assert json.loads(lock_file(target).read_text())["pid"] == os.getpid()
        assert not partial.exists()  # what the killed one left half done
        assert other.exists()
    assert not lock_file(target).exists()


def test_a_thread_that_writes_may_go_on_and_others_may_not(tmp_path: Path) -> None:
    target, refused = tmp_path / "x.h5", []

    def write() -> None:
        try:
            with writing(target):
                pass
        except Locked as error:
            refused.append(str(error))

    with writing(target):
        with writing(target):
            pass
        assert lock_file(target).exists()
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(refused) == 1
    assert f"process {os.getpid()}" in refused[0]


@pytest.mark.parametrize(
    ("pid", "host", "free"),
    [
        ("dead", "here", True),
        ("alive", "here", False),
        ("dead", "elsewhere", False),
        (10**30, "here", False),
        (None, "here", True),
    ],
)
def test_where_the_system_has_no_locks_the_file_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: object, host: str, free: bool
) -> None:
    def no_locks(descriptor: int, how: int) -> None:
        raise OSError(locks.errno.ENOLCK, "No locks available")

    monkeypatch.setattr("tvcli.core.files.locks.fcntl.flock", no_locks)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    pids = {"dead": gone.pid, "alive": os.getppid()}
    about = {
        "pid": pids.get(pid, pid) if isinstance(pid, str) else pid,
        "host": socket.gethostname() if host == "here" else host,
        "started": round(time.time()),
    }
    target = tmp_path / "x.h5"
    lock_file(target).write_text(json.dumps(about))
    if free:
        with writing(target):
            pass
        return
    expected = "on elsewhere" if host == "elsewhere" else "written by"
    with pytest.raises(Locked, match=expected), writing(target):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "x"}', "[" * 10000, "\0"])
def test_a_lock_file_that_says_nothing_is_no_lock(tmp_path: Path, text: str) -> None:
    lock_file(tmp_path / "x.h5").write_text(text)
    with writing(tmp_path / "x.h5"):
        pass


def test_a_folder_that_is_not_there_is_made_but_not_in_vain(tmp_path: Path) -> None:
    target = tmp_path / "no" / "such" / "x.h5"
    with writing(target):
        assert target.parent.is_dir()
    assert not (tmp_path / "no").exists()
    with writing(target):
        target.write_text("here")
    assert [path.name for path in target.parent.iterdir()] == ["x.h5"]
    with (
        pytest.raises(BadInput, match=r"y\.h5: cannot be written: its folder is a file"),
        writing(target / "y.h5"),
    ):
        pass
