"""`tv dedupe`: an index or photos -> groups of the same picture."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tvcli.core.errors import ExitStatus
from tvcli.core.reports import number_of
from tvcli.terminal import options
from tvcli.terminal.groups import GroupFormat, print_groups
from tvcli.terminal.inputs import PathOptions
from tvcli.terminal.progress import ReportOptions


def dedupe(
    *,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SRC",
            help="An index, or photos and folders of photos.  [default: $TV_INDEX, else the "
            "nearest .tv/]",
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="INDEX|SRC",
            help="Find the photos that are also in this index or folder. Photos are compared with "
            "those there only, never with each other. Repeatable for folders.",
        ),
    ] = None,
    protect: Annotated[
        list[Path] | None,
        typer.Option("--protect", help="Never propose to drop a photo in this folder. Repeatable."),
    ] = None,
    prefer: Annotated[
        list[Path] | None,
        typer.Option(
            "--prefer",
            help="Prefer to keep the photos in this folder. Repeatable, most preferred first.",
        ),
    ] = None,
    not_duplicates: Annotated[
        Path | None,
        typer.Option(
            "--not-duplicates",
            help="A file of groups that are not duplicates, in the JSON Lines that this command "
            "prints.",
        ),
    ] = None,
    format: Annotated[GroupFormat | None, options.FORMAT] = None,
    min_probability: options.MinProbability = None,
    candidates: Annotated[
        int,
        typer.Option(
            "--candidates",
            min=1,
            help="Compare each photo with this many of the most similar, and with as many that "
            "share details.",
        ),
    ] = 10,
    backbone: options.Backbone = "mini",
    weights: options.Weights = None,
    device: options.Device = "auto",
    exclude: options.Exclude = None,
    root: options.PhotosRoot = None,
    allow: options.Allow = None,
    null: options.Null = False,
    reports: ReportOptions,
) -> None:
    """Find photos of the same picture, and which to keep.

    Finds copies that were scaled, cropped, turned, mirrored, compressed, recoloured, written on or
    framed. Candidates are photos that are similar or share details; geometry decides, as in tv
    search --verify.

    tv never deletes a photo: --format paths prints the ones it proposes to drop. Of each group it
    keeps a protected photo, else a preferred one, else the one with the most pixels, without an
    added border, in the better format, with the larger file. If a group is wrong, put its line, or
    what the HTML page saves, into a file for --not-duplicates. The exit status is 1 if there are no
    duplicates.

    --against compares with another collection: new photos with an archive, or photos to train with
    with those to test with. Each group begins with the photo of that collection, which is always
    kept. A file that is in both counts as one of SRC.

    \b
    Examples:
      tv dedupe photos/
      tv dedupe photos.tvx --protect photos/originals --prefer photos/raw
      tv dedupe photos.tvx --format html > duplicates.html
      tv dedupe photos.tvx | sed -n 3p >> different.jsonl
      tv dedupe photos.tvx --not-duplicates different.jsonl -0 | xargs -0 mv -t duplicates/
      tv dedupe new/ --against photos.tvx --format paths
      tv dedupe train/ --against test/ && echo "photos of the test are in the training set"
    """
    from tvcli.core.deduping.across import find_groups_across
    from tvcli.core.deduping.dedupe import DedupeSettings, find_groups
    from tvcli.core.deduping.opening import index_to_dedupe, indexes_to_compare
    from tvcli.core.deduping.preference import Preference
    from tvcli.core.deduping.same import Rule
    from tvcli.core.encoding.encoder import make_encoder
    from tvcli.core.matching.decision import Default

    preference = Preference(protect or (), prefer or ())
    settings = DedupeSettings(
        preference, Rule(Default(min_probability)), candidates, not_duplicates
    )
    with reports.open(sources or []) as report, ExitStack() as stack:
        open_photos = partial(PathOptions(null=null, exclude=exclude).open, report=report)
        encoder = partial(make_encoder, backbone, weights=weights, pool="auto", device=device)
        if against:
            compared = indexes_to_compare(
                sources or [], against, open_photos, encoder, report, root
            )
            index, archive = stack.enter_context(compared)
            groups = find_groups_across(index, archive, settings, report)
            folders = [index.root, archive.root]
        else:
            alone = index_to_dedupe(
                sources or [], lambda: open_photos(sources or []), encoder, report, root
            )
            index = stack.enter_context(alone)
            groups, folders = find_groups(index, settings, report), [index.root]
        count, dropped = print_groups(groups, format, null=null, allow=[*folders, *(allow or [])])
        report.summary(f"{number_of(count, 'group')}, {number_of(dropped, 'photo')} to drop")
    if not count:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
