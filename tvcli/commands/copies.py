"""`tv copies`: photos -> changed copies of them, and the truth."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import reporting


def copies(
    sources: options.Sources,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for the copies and truth.jsonl.")
    ],
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kinds",
            help="scale, crop, rotation, mirror, jpeg, blur, noise, brightness, colour, text, "
            "frame; with commas, or repeated.  [default: all]",
        ),
    ] = None,
    per_photo: Annotated[
        int | None,
        typer.Option("--per-photo", min=1, help="Copies of each photo.  [default: one a kind]"),
    ] = None,
    size: Annotated[
        int, typer.Option("--size", min=32, help="Long side that photos are brought down to first.")
    ] = 1024,
    format: Annotated[
        Literal["jpg", "png", "webp", "mixed"], typer.Option("--format", help="Of the copies.")
    ] = "jpg",
    seed: options.Seed = 0,
    null: options.Null = False,
    root: options.Root = None,
    errors: options.Errors = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Make changed copies of photos, with the truth of what each is a copy of.

    They are scaled (0.25 to 2), cropped (down to half the area), turned by any angle, mirrored,
    compressed (JPEG down to quality 10), blurred, made noisy, changed in brightness or colour,
    printed over, or framed. The truth comes as JSON Lines, on standard output and in truth.jsonl
    beside the copies: image, original, kind, and the parameters of the change. The same seed
    gives the same bytes. A file that is no such copy is never replaced.

    \b
    Examples:
      tv copies photos/ -o copies/ > truth.jsonl
      tv copies photos/ -o copies/ --kinds crop,rotation --per-photo 4 --seed 7
      tv copies photos/ -o copies/ && tv index photos/ copies/ -o all.tvx && tv dedupe all.tvx
    """
    from tvcli.core.files.sources import open_sources
    from tvcli.core.images.copies.changes import kinds_named
    from tvcli.core.images.copies.making import CopySettings, make_copies
    from tvcli.core.images.copies.truth import relative_to

    settings = CopySettings(kinds_named(kinds or []), per_photo, seed, format, size)
    with reporting(strict=strict, quiet=quiet, errors=errors) as report:
        source = open_sources(
            sources,
            stdin=streams.stdin(),
            null=null,
            root=root,
            on_unreadable=report.unreadable,
        )
        made = make_copies(source, output, settings, report)
        base = base_of(streams.STREAM)
        count = emit(streams.STREAM, (relative_to(base, record) for record in made))
        report.summary(f"{count} copies in {output}")
