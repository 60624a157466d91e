"""What `tv index` and `tv encode` take and say where something there is changed."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

import typer

from tvcli.core.errors import UsageError
from tvcli.core.files.records import Record
from tvcli.terminal.harmless import printable
from tvcli.terminal.lines import emit
from tvcli.terminal.progress import TerminalReport
from tvcli.terminal.streams import STREAM

if TYPE_CHECKING:
    from tvcli.core.encoding.updates import Counts

Way = Literal["update", "add", "remove"]

NAMED = ("backbone", "layer", "size", "fit", "pool", "precision", "engine")


def update_request(context: typer.Context) -> dict[str, Any]:
    """Return what a command line says of a change, besides what is to be changed by what."""
    names = ("null", "root", "weights", "device", "batch")
    return {"asked": _given(context)} | {name: context.params[name] for name in names}


def _given(context: typer.Context) -> dict[str, Any]:
    """Return the settings of an encoder and index that were asked for, wherever: by an option, in
    the environment or in tv.toml."""
    asked = {
        name: context.params[name]
        for name in (*NAMED, "rank", "classifier", "boxes")
        if name in context.params and _is_given(context, name)
    }
    return {name: value for name, value in asked.items() if value not in (None, "auto")}


def one_of(dry_run: bool, **wanted: bool) -> Way | None:
    """Return which way of changing is asked for, or nothing.

    Raises:
        UsageError: more than one, or a dry run of none.
    """
    asked = [name for name, on in wanted.items() if on]
    flags = " and ".join(f"--{name}" for name in asked)
    if len(asked) > 1:
        raise UsageError(f"{flags}: one at a time")
    if dry_run and not asked:
        names = " or ".join(f"--{name}" for name in wanted)
        raise UsageError(f"--dry-run: goes with {names}")
    return cast("Way", asked[0]) if asked else None


def print_plan(records: Iterable[Record], report: TerminalReport) -> None:
    """Print what would be done: a line a photo on a terminal, else JSON Lines; and the counts."""
    counts = dict.fromkeys(("added", "changed", "moved", "removed", "skipped"), 0)

    def counted() -> Iterable[Record]:
        for record in records:
            counts[record["change"]] += 1
            yield record

    if sys.stdout.isatty():
        for record in counted():
            print(_line(record))
    else:
        emit(STREAM, counted())
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    report.note(f"would be: {told}")


def print_done(counts: "Counts", output: object, report: TerminalReport) -> None:
    """Print what was done."""
    report.summary(f"{counts}: {counts.rows} rows in {output}", skipped=False)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _line(record: Record) -> str:
    where = record["image"] if "from" not in record else f"{record['from']} -> {record['image']}"
    reason = f" ({printable(record['reason'])})" if "reason" in record else ""
    return f"{record['change']:<8} {printable(where)}{reason}"
