"""What happens while a function works, told to Python's `logging` unless a report is given."""

import logging
import reprlib
from pathlib import Path
from typing import Any

from tvcli.core.files.provenance import provenance
from tvcli.core.reports import Report

LOGGER = logging.getLogger("tvcli")


class LoggingReport(Report):
    """Logs skipped photos as warnings, notes as information and details for debugging."""

    def note(self, message: str) -> None:
        """Log a line worth reading."""
        LOGGER.info("%s", message)

    def detail(self, message: str) -> None:
        """Log a line for whoever looks closely."""
        LOGGER.debug("%s", message)

    def skip(self, image: str, stage: str, reason: str) -> None:
        """Log a photo that is left out; its name may be anyone's, so it is quoted."""
        LOGGER.warning("skipped %r: %s", image, reason)
        super().skip(image, stage, reason)


def report_of(report: Report | None) -> Report:
    """Return the report that is given, or one that logs."""
    return LoggingReport() if report is None else report


def made_by(
    function: str, *values: object, inputs: list[Path], seed: int | None = None, **named: object
) -> dict[str, Any]:
    """Return what an artifact records of its making: the call, its inputs, and its seed."""
    given = [reprlib.repr(_plain(value)) for value in values]
    given += [f"{name}={reprlib.repr(_plain(value))}" for name, value in named.items() if value]
    return provenance([f"tvcli.{function}({', '.join(given)})"], inputs, seed)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
