"""`tv dedupe`: an index or photos -> groups of the same picture."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.core.errors import ExitStatus
from tvcli.terminal import options, streams
from tvcli.terminal.groups import GroupFormat, print_groups
from tvcli.terminal.progress import reporting


def dedupe(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SRC", help="An index; or photos, as tv index takes them.  [default: .tv/]"
        ),
    ] = None,
    protect: Annotated[
        list[Path] | None,
        typer.Option("--protect", help="Propose no photo below this folder; repeatable."),
    ] = None,
    prefer: Annotated[
        list[Path] | None,
        typer.Option("--prefer", help="Keep photos below this folder; repeatable, best first."),
    ] = None,
    not_duplicates: Annotated[
        Path | None,
        typer.Option("--not-duplicates", help="Lines of photos that are different, whatever."),
    ] = None,
    format: Annotated[
        GroupFormat | None,
        typer.Option("--format", help="[default: table on a terminal, else jsonl]"),
    ] = None,
    min_inliers: Annotated[
        int, typer.Option("--min-inliers", min=4, help="Key points that must agree.")
    ] = 14,
    min_agreement: Annotated[
        float,
        typer.Option("--min-agreement", min=0, max=1, help="How alike they are laid over another."),
    ] = 0.65,
    candidates: Annotated[
        int,
        typer.Option("--candidates", min=1, help="Photos compared with each, two kinds of them."),
    ] = 10,
    backbone: options.Backbone = "mini",
    weights: options.Weights = None,
    device: options.Device = "auto",
    root: options.PhotosRoot = None,
    null: options.Null = False,
    errors: options.Errors = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Find photos that show the same picture, and propose which to keep.

    Scaled, cropped, turned, mirrored, compressed, recoloured, noisy, printed over or framed copies
    are found by similarity and shared details, and decided by geometry. Nothing is ever deleted:
    --format paths and -0 name what is proposed to be dropped. Kept is, in this order: what is
    protected, preferred, has most pixels, no added border, the better format, the larger file.
    A group that is wrong can be said to be: its line, or what the page saves, goes into a file for
    --not-duplicates. Exit status 1: there are none.

    \b
    Examples:
      tv dedupe photos/
      tv dedupe photos.tvx --protect photos/originals --prefer photos/raw
      tv dedupe photos.tvx --format html > duplicates.html
      tv dedupe photos.tvx | sed -n 3p >> different.jsonl
      tv dedupe photos.tvx --not-duplicates different.jsonl -0 | xargs -0 mv -t duplicates/
    """
    from tvcli.core.deduping.dedupe import DedupeSettings, find_groups
    from tvcli.core.deduping.opening import index_to_dedupe
    from tvcli.core.deduping.preference import Preference
    from tvcli.core.deduping.same import Rule
    from tvcli.core.encoding.encoder import make_encoder
    from tvcli.core.files.sources import open_sources

    preference = Preference(protect or (), prefer or ())
    settings = DedupeSettings(
        preference, Rule(min_inliers, min_agreement), candidates, not_duplicates
    )
    with reporting(strict=strict, quiet=quiet, errors=errors) as report:
        with index_to_dedupe(
            sources or [],
            lambda: open_sources(
                sources or [],
                stdin=streams.stdin(),
                null=null,
                on_unreadable=report.unreadable,
            ),
            lambda: make_encoder(backbone, weights=weights, pool="auto", device=device),
            report,
            root,
        ) as index:
            groups = find_groups(index, settings, report)
            count, dropped = print_groups(groups, format, null=null)
        report.summary(f"{count} groups, {dropped} photos to drop")
    if not count:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
