"""Signals that end a process, where Python itself would lose them."""

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from conftest import Ran

from tvcli.terminal import optional_values
from tvcli.terminal.signals import Terminated

SIGNALLED_IN_A_CALLBACK = """
import signal, sys, time, weakref
from tvcli.terminal.signals import end_cleanly

class Held:
    pass

signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run in the background
end_cleanly()
held = Held()
watched = weakref.ref(held, lambda _: signal.raise_signal(int(sys.argv[1])))
try:
    del held
    time.sleep(30)
except KeyboardInterrupt as raised:
    print(type(raised).__name__)
"""


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "Terminated")]
)
def test_a_signal_within_a_callback_is_not_lost(number: signal.Signals, raised: str) -> None:
    command = [sys.executable, "-c", SIGNALLED_IN_A_CALLBACK, str(int(number))]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == (f"{raised}\n", "")


def test_other_errors_within_a_callback_are_told() -> None:
    script = SIGNALLED_IN_A_CALLBACK.replace("time.sleep(30)", "print('went on')")
    script = script.replace("signal.raise_signal(int(sys.argv[1]))", "1 / 0")
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "went on\n" and "ZeroDivisionError" in ran.stderr


@pytest.mark.parametrize(
    ("interrupt", "status", "said"),
    [(KeyboardInterrupt(), 130, "interrupted"), (Terminated(), 143, "terminated")],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_an_interrupt_is_told_wherever_it_comes(
    tv: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    interrupt: KeyboardInterrupt,
    status: int,
    said: str,
    hidden: bool,
) -> None:
    def interrupted(arguments: list[str]) -> list[str]:
        if hidden:  # as by a module of C++ that is interrupted while it is imported
            raise ImportError("initialization failed") from interrupt
        raise interrupt

    monkeypatch.setattr(optional_values, "filled_in", interrupted)  # Typer reads the arguments
    ran = tv("search", "photo.jpg")
    assert (ran.status, ran.out, ran.err) == (status, "", f"tv: {said}\n")


INTERRUPTED_WHILE_IMPORTED = """
import signal, sys
from tvcli.__main__ import main

class Found:  # asked for every module that is not yet imported
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            try:
                signal.raise_signal(int(sys.argv[1]))
            except KeyboardInterrupt as interrupt:
                if sys.argv[2] == "plain":
                    raise
                raise RuntimeError("Error calling __set_name__") from interrupt  # as Python 3.11

signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run in the background
sys.meta_path.insert(0, Found())
main()
"""


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
@pytest.mark.parametrize("how", ["plain", "hidden"])
def test_an_interrupt_is_told_while_the_command_is_imported(
    number: signal.Signals, status: int, said: str, how: str
) -> None:
    command = [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTED, str(int(number)), how]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (status, "", f"tv: {said}\n")
