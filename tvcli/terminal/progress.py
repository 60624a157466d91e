"""Progress, skipped photos and summaries: all on stderr, the bar only on a terminal."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput, NothingUsable
from tvcli.core.files.external_sort import SpilledRecords, spilled
from tvcli.core.files.own_files import check_own
from tvcli.core.files.records import write_records
from tvcli.core.reports import Report, Skip, Total
from tvcli.terminal import options
from tvcli.terminal.harmless import printable
from tvcli.terminal.logs import Level, log, tell
from tvcli.terminal.option_groups import OptionGroup

LEFT_OUT = "a kind of picture that is not read: convert it to JPEG"
SHOWN_PHOTOS = 20  # lines about photos skipped, and about others; the rest is counted


class TerminalReport(Report):
    """Shows what core reports, and keeps all skipped photos in `errors` (None: not wanted).

    `single`: one photo was named, so that one that is skipped is an error, if there is no more.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        quiet: bool = False,
        errors: SpilledRecords | None = None,
        single: bool = False,
    ) -> None:
        super().__init__(strict=strict)
        self.quiet, self._errors, self._single = quiet, errors, single
        self.held = ""  # the line about the only photo named: where it is an error, that says it
        self._started = time.monotonic()
        self._stage, self._began = "", 0.0
        self._bar: Any = None
        self._task: Any = None
        self._way_made = False
        self._remarks = 0

    def start(self, what: str, unit: str, total: Total = None) -> None:
        """Show a bar on a terminal."""
        self.close()
        self._stage, self._began = what, time.monotonic()
        if log().json and not self.quiet:
            tell(what, event="start", unit=unit)
        elif not self.quiet and not self._way_made and sys.stderr.isatty():
            self._bar = _bar(unit)
            known = total() if callable(total) else total
            self._task = self._bar.add_task(what, total=known)
            self._bar.start()

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        super().advance(steps)
        if self._bar is not None:
            self._bar.advance(self._task, steps)

    def note(self, message: str) -> None:
        """Print a line."""
        if not self.quiet:
            warned = message.startswith("warning:")
            self._print(message, level="warning" if warned else "info")

    def remark(self, message: str) -> None:
        """Print a line; after some, only for whoever asked for all."""
        self._remarks += 1
        if log().verbose or log().json or self._remarks <= SHOWN_PHOTOS:
            self.note(message)
        elif self._remarks == SHOWN_PHOTOS + 1:
            self.note("more photos are noted; --verbose names them all")

    def detail(self, message: str) -> None:
        """Print a line for whoever asked for it: -v."""
        if log().verbose:
            self._print(message, level="debug", event="detail")

    def skip(self, image: str, stage: str, reason: str) -> None:
        """Name the photo and why; after some, count only."""
        shown = f"skipped {image}: {reason}"
        if log().json:
            tell(shown, level="warning", event="skip", image=image, stage=stage, reason=reason)
        elif self._single and not self.skips and not self.strict:
            self.held = shown
        elif self.skips < SHOWN_PHOTOS and not self.strict:
            self._print(shown)
        elif self.skips == SHOWN_PHOTOS:
            self._print("more photos are skipped; --errors FILE lists them all")
        if self._errors is not None:
            self._errors.write([Skip(image, stage, reason).as_record()])
        super().skip(image, stage, reason)

    def leave_out(self, image: str) -> None:
        """Count a picture of a kind that is not read, for the last line, and record it."""
        super().leave_out(image)
        if self._errors is not None:
            self._errors.write([Skip(image, "walk", LEFT_OUT).as_record()])

    def close(self) -> None:
        """Take the bar away."""
        self._stop_bar()
        if self._stage:
            stage, self._stage = self._stage, ""
            self.detail(f"{stage}: {time.monotonic() - self._began:.2f} s")

    def make_way(self) -> None:
        """Take the bar away for good: results tell from now on how far the work is."""
        self._way_made = True
        self._stop_bar()

    def summary(self, what: str, *, skipped: bool = True) -> None:
        """Print the last line: what was done, what was skipped, and the time it took."""
        self.close()
        left_out = f", {self.skips} skipped" if self.skips and skipped else ""
        left_out += f", {self.left_out_text()}" if self.left_out and skipped else ""
        seconds = time.monotonic() - self._started
        if not self.quiet:
            more: dict[str, Any] = {"seconds": round(seconds, 3), "skipped": self.skips}
            more |= {"left_out": dict(self.left_out)} if self.left_out else {}
            self._print(f"{what}{left_out} in {seconds:.1f} s", event="summary", **more)

    def tell_held(self) -> None:
        """Print the line that was held back, if there is one."""
        held, self.held = self.held, ""
        if held:
            self._print(held)

    def _stop_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(
        self, message: str, *, level: Level = "info", event: str = "note", **more: Any
    ) -> None:
        self.tell_held()
        if self._bar is not None:
            shown = printable(message)
            self._bar.console.print(shown, markup=False, highlight=False, soft_wrap=True)
        else:
            tell(message if log().json else printable(message), level=level, event=event, **more)


_current: ContextVar[TerminalReport | None] = ContextVar("report", default=None)


def make_way() -> None:
    """Take the bar away where results are about to be shown on the terminal that it is on."""
    report = _current.get()
    if report is not None and sys.stdout.isatty():
        report.make_way()


@contextmanager
def reporting(
    *,
    strict: bool = False,
    quiet: bool = False,
    errors: Path | None = None,
    single: bool = False,
) -> Iterator[TerminalReport]:
    """Report on the terminal, and write the skipped photos to `errors` whatever happens.

    An error that nothing could be used does not tell again what the report has told.
    """
    if errors is not None:
        check_own(errors, "errors")
    with ExitStack() as stack:
        kept = stack.enter_context(spilled([])) if errors is not None else None
        report = TerminalReport(strict=strict, quiet=quiet, errors=kept, single=single)
        before = _current.set(report)
        try:
            yield report
        except NothingUsable as error:
            if report.held or log().json:
                report.held = ""
                raise
            raise BadInput(error.in_short) from error
        finally:
            _current.reset(before)
            report.close()
            report.tell_held()
            if errors is not None and kept is not None:
                write_records(errors, kept)


class ReportOptions(OptionGroup):
    """Options of what becomes of photos that cannot be used, and of what is said."""

    errors: options.Errors = None
    strict: options.Strict = False
    quiet: options.Quiet = False

    def open(self, named: Sequence[str] = ()) -> AbstractContextManager[TerminalReport]:
        """Report so, on a command line that names some photos, or what else has photos."""
        from tvcli.core.files.sources import (
            is_one_photo,  # brings numpy, which tv --help does without
        )

        single = is_one_photo(named)
        return reporting(strict=self.strict, quiet=self.quiet, errors=self.errors, single=single)


def _bar(unit: str) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # results are for stdout, though it be a pipe; the bar is on stderr
    )
