"""`tv annotate boxes`: a local page to draw boxes around objects."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.core.errors import UsageError
from tvcli.terminal import options
from tvcli.terminal.inputs import PathOptions
from tvcli.terminal.pages import PageOptions
from tvcli.terminal.progress import reporting


def annotate_boxes(
    sources: options.Sources,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The .jsonl file to save the boxes in.")
    ],
    *,
    propose: Annotated[
        str | None,
        typer.Option(
            "--propose",
            help="Two trained heads that propose boxes for you to accept: CLASSIFIER.h5,BOXES.h5.",
        ),
    ] = None,
    learn: Annotated[
        bool,
        typer.Option(
            "--learn",
            help="Learn from the boxes while you draw them, and propose boxes on the other photos.",
        ),
    ] = False,
    keep_heads: Annotated[
        Path | None,
        typer.Option(
            "--keep-heads",
            help="With --learn: the folder for the heads trained meanwhile, classifier.h5 and "
            "boxes.h5, for tv locate.",
        ),
    ] = None,
    paths: PathOptions,
    pages: PageOptions,
    quiet: options.Quiet = False,
) -> None:
    """Draw boxes around the objects in photos, in the browser.

    Every change is saved at once, in the format that tv crops reads; boxes that are already in the
    file are shown and kept. With --propose, the heads of tv train-classifier and tv train-boxes
    propose boxes, and the page can show the photos first of which they are least sure. With --learn
    no heads are needed: from the first box on, boxes are proposed by what was drawn so far, and
    from 15 photos with boxes on by heads that are trained on them in the background, anew each time
    they have grown by half. Ctrl-C stops the server.

    \b
    Examples:
      tv annotate boxes photos/ -o boxes.jsonl
      tv annotate boxes photos/ -o boxes.jsonl --learn
      tv annotate boxes photos/ -o boxes.jsonl --learn --keep-heads heads/
      tv annotate boxes photos/ -o boxes.jsonl --propose classifier.h5,boxes.h5
    """
    from tvcli.serve.pages import open_box_editor

    heads = _heads(propose)
    if heads and learn:
        raise UsageError("--learn: proposes boxes itself; leave --propose out")
    if keep_heads and not learn:
        raise UsageError("--keep-heads: goes with --learn, which trains them")
    with reporting(quiet=quiet) as report:
        source = paths.open(sources, report, empty=True)
        with open_box_editor(
            source, output, heads, pages.allowed, learn=learn, keep=keep_heads
        ) as app:
            pages.serve(app)


def _heads(propose: str | None) -> tuple[Path, Path] | None:
    if propose is None:
        return None
    classifier, comma, boxes = propose.partition(",")
    if not (classifier and comma and boxes):
        raise UsageError("--propose: name both heads, CLASSIFIER.h5,BOXES.h5")
    return Path(classifier), Path(boxes)
