"""What can go wrong, and the exit status each kind ends with."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit statuses of every command."""

    DONE = 0
    NOTHING_FOUND = 1
    USAGE = 2
    BAD_INPUT = 3
    MISMATCH = 4
    INTERRUPTED = 130
    TERMINATED = 143


class TvError(Exception):
    """An error whose message says which file, what is wrong and what to do."""

    status = ExitStatus.BAD_INPUT


class UsageError(TvError):
    """The command line asks for something that makes no sense."""

    status = ExitStatus.USAGE


class BadInput(TvError):
    """A file is missing, unreadable, corrupt or empty."""


class NothingUsable(BadInput):
    """Nothing that was named could be used, as the report was told of each.

    `in_short` is the message for whoever has read what the report was told.
    """

    def __init__(self, message: str, in_short: str) -> None:
        super().__init__(message)
        self.in_short = in_short


class Mismatch(TvError):
    """Artifacts that do not fit together: another backbone, version or setting."""

    status = ExitStatus.MISMATCH


class Outdated(Mismatch):
    """An artifact of a version that is not read any more: it is to be made again."""


def without_torch(error: Exception) -> UsageError | None:
    """Return what to say where PyTorch is asked for and not installed; None for other errors."""
    if isinstance(error, ModuleNotFoundError) and error.name in ("torch", "torchvision"):
        return UsageError(
            "this needs PyTorch, which is not installed: pip install torch torchvision"
        )
    return None


def reason_of(error: Exception) -> str:
    """Return what went wrong, for people; of what was not expected, the kind of error as well."""
    error = without_torch(error) or error
    return str(error) if isinstance(error, TvError) else f"{type(error).__name__}: {error}"
