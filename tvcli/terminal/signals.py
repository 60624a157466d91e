"""Signals that end a process: they unwind it as Ctrl-C does, so that nothing is left."""

import signal
from types import FrameType

ENDING = ("SIGTERM", "SIGHUP")  # asked to end; the terminal was closed


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


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one need not wait
    raise Terminated
