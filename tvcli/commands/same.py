"""`tv same`: two photos, or pairs of them -> whether they show the same picture."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.core.errors import BadInput, ExitStatus, UsageError
from tvcli.core.reports import number_of
from tvcli.terminal import options, streams
from tvcli.terminal.compared import PairFormat, print_pairs
from tvcli.terminal.progress import ReportOptions


def same(
    photos: Annotated[
        list[str],
        typer.Argument(
            metavar="A B",
            help="Two photos, of which one may be - for stdin. A single - reads pairs from stdin.",
        ),
    ],
    *,
    format: Annotated[PairFormat | None, options.FORMAT] = None,
    html: Annotated[
        bool,
        typer.Option("--html", help="The same as --format html: a page that shows both photos."),
    ] = False,
    silent: Annotated[
        bool, typer.Option("--silent", "-s", help="Print nothing; only the exit status tells.")
    ] = False,
    allow: options.Allow = None,
    null: options.Null = False,
    reports: ReportOptions,
) -> None:
    """Tell whether two photos show the same picture.

    Photos that were scaled, cropped, turned, mirrored, recoloured or written on show the same
    picture, and so does a photo of it, or one that it is pasted into. The order of the two does not
    matter. No index is needed.

    The exit status is that of cmp: 0 if they show the same picture, 1 if they do not, 3 if a photo
    cannot be read. The transform maps pixels of the first photo to pixels of the second, and the
    outline says where the first lies in the second.

    A single - reads pairs from stdin: a line with two paths and a tab between them, or JSON Lines
    with first and second, or as tv copies and tv search print them. With -0 each two paths that end
    with NUL are a pair. Pairs are answered as they come. A pair with a photo that cannot be read is
    skipped and named. The exit status is 0 if all others show the same picture.

    \b
    Examples:
      tv same a.jpg b.jpg
      tv same -s a.jpg b.jpg && rm b.jpg
      tv same a.jpg b.jpg --html > same.html
      curl -s https://example.com/a.jpg | tv same - mine.jpg
      paste originals.txt copies.txt | tv same - --format tsv
      tv copies photos/ -o copies/ | tv same - | jq -r 'select(.same | not).second'
    """
    from tvcli.core.matching.pairs import compare_pair, compare_pairs, pair_of, read_pairs

    if html:
        format = "html"
    streamed = photos == [streams.STREAM]
    if not streamed and len(photos) != 2:
        raise UsageError("name two photos, or - for pairs on stdin")
    with reports.open() as report:
        if streamed:
            found = compare_pairs(read_pairs(streams.stdin_of_a_thread(), null=null), report)
            shown = [Path.cwd()]
        else:
            found = map(compare_pair, [pair_of(photos[0], photos[1], streams.stdin())])
            shown = [Path(photo).resolve().parent for photo in photos]
        count, alike = print_pairs(found, format, silent=silent, allow=[*shown, *(allow or [])])
        if streamed:
            report.summary(f"{number_of(count, 'pair')}, {alike} the same picture")
    if not count:
        raise BadInput("no pair could be compared" if report.skips else "no pairs on stdin")
    if alike < count:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
