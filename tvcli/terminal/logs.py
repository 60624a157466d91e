"""What stderr is told: lines for a person, or JSON Lines for a log (`--log-json`)."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from tvcli.core.files.records import dump_record
from tvcli.terminal.harmless import printable_lines, shortened

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Log:
    """How stderr is told: `verbose` with the settings and times too, `json` as JSON Lines."""

    verbose: bool = False
    json: bool = False
    command: str = ""


_current: ContextVar[Log] = ContextVar("log", default=Log())  # noqa: B039 - it is frozen


def log() -> Log:
    """Return how stderr is told at present."""
    return _current.get()


@contextmanager
def logging(settings: Log) -> Iterator[None]:
    """Tell stderr in this way inside the block, warnings of libraries as well."""
    before, shown = _current.set(settings), warnings.showwarning
    if settings.json:
        warnings.showwarning = _show_warning
    try:
        yield
    finally:
        _current.reset(before)
        warnings.showwarning = shown


def tell(message: str, *, level: Level = "info", event: str = "note", **more: Any) -> None:
    """Say something on stderr: a line, or with --log-json an event with its time and level."""
    if not log().json:
        print(printable_lines(shortened(message)), file=sys.stderr, flush=True)
        return
    about = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level}
    about |= {"event": event} | ({"command": log().command} if log().command else {})
    text = shortened(message.strip())
    print(dump_record(about | ({"message": text} if text else {}) | more), file=sys.stderr)
    sys.stderr.flush()


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    tell(str(message), level="warning", event="warning", category=category.__name__)
