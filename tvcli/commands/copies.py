"""`tv copies`: photos -> changed copies of them, and the truth."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.core.reports import number_of
from tvcli.terminal import options, streams
from tvcli.terminal.inputs import PathOptions
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import ReportOptions


def copies(
    sources: options.Sources,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="The folder to write the copies and truth.jsonl into."),
    ],
    *,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kinds",
            help="The changes to make: scale, crop, rotation, mirror, jpeg, blur, noise, "
            "brightness, colour, text, frame, hue, sepia, posterise, pixelate, emoji, logo, "
            "pasted, beside, feed, screen, print, several. Separate them by commas, or repeat the "
            "option. Changes joined by + are made one after another, as in crop+jpeg.  "
            "[default: all]",
        ),
    ] = None,
    per_photo: Annotated[
        int | None,
        typer.Option("--per-photo", min=1, help="Copies per photo.  [default: one of each kind]"),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            "--size", min=32, help="Shrink larger photos to this long side first, in pixels."
        ),
    ] = 1024,
    format: Annotated[
        Literal["jpg", "png", "webp", "mixed"],
        typer.Option("--format", help="File format of the copies."),
    ] = "jpg",
    seed: options.Seed = 0,
    paths: PathOptions,
    reports: ReportOptions,
) -> None:
    """Make changed copies of photos, to test or teach with.

    Copies are scaled (0.25 to 2 times), cropped (down to half the area), turned by any angle,
    mirrored, compressed (JPEG down to quality 10), blurred, made noisy, changed in brightness,
    colour, or hue, written on, or framed. They are also pasted into another of the photos, put side
    by side with one, shown in a feed, or photographed as a print on a table or on a screen; several
    makes two to four changes at once. One JSON line per copy goes to stdout and to truth.jsonl
    beside the copies: image, original, other (the other photo that can be seen), kind, the
    parameters of the change, and where the original lies in the copy (transform, outline). The same
    photos and seed give the same bytes. Existing files that are not such copies are never replaced.

    \b
    Examples:
      tv copies photos/ -o copies/ > truth.jsonl
      tv copies photos/ -o copies/ --kinds crop,rotation --per-photo 4 --seed 7
      tv copies photos/ -o copies/ --kinds print,screen,crop+text+jpeg
      tv copies photos/ -o copies/ && tv index photos/ copies/ -o all.tvx && tv dedupe all.tvx
    """
    from tvcli.core.images.copies.changes import kinds_named
    from tvcli.core.images.copies.making import CopySettings, make_copies
    from tvcli.core.images.copies.truth import relative_to

    settings = CopySettings(kinds_named(kinds or []), per_photo, seed, format, size)
    with reports.open(sources) as report:
        made = make_copies(paths.open(sources, report), output, settings, report)
        base = base_of(streams.STREAM)
        count = emit(streams.STREAM, (relative_to(base, record) for record in made))
        report.summary(f"{number_of(count, 'copy', 'copies')} in {output}")
