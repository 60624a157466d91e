"""Signals that end a process: they unwind it as Ctrl-C does, so that nothing is left."""

import signal
import sys
from types import FrameType

from tvcli.core.errors import ExitStatus

ENDING = ("SIGTERM", "SIGHUP")  # asked to end; the terminal was closed
AGAIN = 0.01  # seconds until what was lost is raised again: by then the callback has returned


class Terminated(KeyboardInterrupt):
    """The process was asked to end, and not by Ctrl-C."""


def end_cleanly() -> None:
    """Let signals that would end the process at once raise Terminated; those ignored stay so.

    Without it temporary folders, a gigabyte of key points among them, would outlive the process.
    """
    for name in ENDING:
        number = getattr(signal, name, None)  # not all systems have them all
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # not under nohup
            signal.signal(number, _end)
    sys.unraisablehook = _raise_again


def interrupt_of(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt that an error came of; None where it came of another thing.

    A module of C++ that is interrupted while it is imported raises an ImportError of its own.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def status_of(stopped: KeyboardInterrupt) -> ExitStatus:
    """Return what the process ends with; its name is the word that people are told."""
    asked = isinstance(stopped, Terminated)
    return ExitStatus.TERMINATED if asked else ExitStatus.INTERRUPTED


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one need not wait
    raise Terminated


def _raise_again(lost: "sys.UnraisableHookArgs") -> None:
    """Raise an interrupt again that came within a callback of the garbage collector or of C code.

    Python prints what is raised there and goes on: one Ctrl-C in sixteen, as measured while h5py
    drops its objects, would be lost, and the command would run to its end.
    """
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise lost.exc_type

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, AGAIN)
