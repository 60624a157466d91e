"""Changes of an index or an encodings file that is there: which are asked for, what is told."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from tvcli.core.errors import UsageError
from tvcli.core.files.records import Record
from tvcli.terminal import options, streams
from tvcli.terminal.harmless import printable
from tvcli.terminal.inputs import EncoderOptions, PathOptions
from tvcli.terminal.lines import emit
from tvcli.terminal.option_groups import OptionGroup
from tvcli.terminal.progress import TerminalReport

if TYPE_CHECKING:
    from tvcli.core.encoding.updates import Counts, UpdateRequest, Way

# Settings of rows and of what is kept with them: where they are asked for they must be the same.
RECORDED = ("backbone", "layer", "size", "fit", "pool", "precision")


class UpdateOptions(OptionGroup):
    """Options of commands that bring a file up to date."""

    update: options.Update = False
    dry_run: options.DryRun = False

    def way(self) -> "Way | None":
        """Return which way of changing is asked for, or nothing.

        Raises:
            UsageError: more than one, or a dry run of none.
        """
        return _one_of(self.dry_run, update=self.update)


class ChangeOptions(OptionGroup):
    """Options of commands that change an index."""

    update: options.Update = False
    add: options.Add = False
    remove: options.Remove = False
    dry_run: options.DryRun = False

    def way(self) -> "Way | None":
        """Return which way of changing is asked for, or nothing.

        Raises:
            UsageError: more than one, or a dry run of none.
        """
        return _one_of(self.dry_run, update=self.update, add=self.add, remove=self.remove)


def update_request(
    context: typer.Context,
    way: "Way",
    sources: Sequence[str],
    paths: PathOptions,
    encoder: EncoderOptions,
    others: Mapping[str, object] | None = None,
    *,
    exif: bool = False,
) -> "UpdateRequest":
    """Return how a command line wants rows changed.

    Of the encoder's options, and of `others` by name whose values an index keeps, those count that
    somebody gave, wherever: by an option, in the environment or in tv.toml.
    """
    from tvcli.core.encoding.updates import UpdateRequest

    recorded = {name: getattr(encoder, name) for name in RECORDED} | dict(others or {})
    asked = {
        name: value
        for name, value in recorded.items()
        if value not in (None, "auto") and _is_given(context, name)
    }
    return UpdateRequest(
        way,
        sources,
        streams.stdin(),
        null=paths.null,
        root=paths.root,
        exclude=paths.exclude or (),
        asked=asked,
        weights=encoder.weights,
        device=encoder.device,
        batch=encoder.batch,
        exif=exif,
    )


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
        emit(streams.STREAM, counted())
    counts["skipped"] += report.skips
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    report.note(f"would be: {told}")


def print_done(counts: "Counts", output: Path, report: TerminalReport) -> None:
    """Print what was done."""
    from tvcli.core.info import photos_said  # brings h5py, which tv --help does without

    report.summary(f"{counts}: {photos_said(output)} in {output}", skipped=False)


def _one_of(dry_run: bool, **wanted: bool) -> "Way | None":
    asked = [name for name, on in wanted.items() if on]
    flags = " and ".join(f"--{name}" for name in asked)
    if len(asked) > 1:
        raise UsageError(f"{flags}: one at a time")
    if dry_run and not asked:
        names = " or ".join(f"--{name}" for name in wanted)
        raise UsageError(f"--dry-run: goes with {names}")
    return cast("Way", asked[0]) if asked else None


def refuse_of_new(context: typer.Context, names: Iterable[str], target: object) -> None:
    """Raise UsageError for options on the command line that only making a file can honour.

    Those of the environment and of tv.toml are meant for all commands, and are let be.
    """
    given = [f"--{name}" for name in names if is_typed(context, name)]
    if given:
        raise UsageError(
            f"{' and '.join(given)}: only for making an index, and {target} is there: leave it "
            f"out, or make the index anew"
        )


def is_typed(context: typer.Context, name: str) -> bool:
    """Tell whether an option was given on the command line itself."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _line(record: Record) -> str:
    where = record["image"] if "from" not in record else f"{record['from']} -> {record['image']}"
    reason = f" ({printable(record['reason'])})" if "reason" in record else ""
    return f"{record['change']:<8} {printable(where)}{reason}"
