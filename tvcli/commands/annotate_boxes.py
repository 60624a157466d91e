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
    paths: PathOptions,
    pages: PageOptions,
    quiet: options.Quiet = False,
) -> None:
    """Draw boxes around the objects in photos, in the browser.

    Every change is saved at once, in the format that tv crops reads; boxes that are already in the
    file are shown and kept. With --propose, the heads of tv train-classifier and tv train-boxes
    propose boxes, and the page can show the photos first of which they are least sure. With --learn
    no heads are needed: from the first box on, boxes are proposed by what was drawn so far. Ctrl-C
    stops the server.

    \b
    Examples:
      tv annotate boxes photos/ -o boxes.jsonl
      tv annotate boxes photos/ -o boxes.jsonl --learn
      tv annotate boxes photos/ -o boxes.jsonl --propose classifier.h5,boxes.h5
    """
    from tvcli.serve.pages import open_box_editor

    heads = _heads(propose)
    if heads and learn:
        raise UsageError("--learn: proposes boxes itself; leave --propose out")
    with reporting(quiet=quiet) as report:
        source = paths.open(sources, report, empty=True)
        with open_box_editor(source, output, heads, pages.allowed, learn=learn) as app:
            pages.serve(app)


def _heads(propose: str | None) -> tuple[Path, Path] | None:
    if propose is None:
        return None
    classifier, comma, boxes = propose.partition(",")
    if not (classifier and comma and boxes):
        raise UsageError("--propose: name both heads, CLASSIFIER.h5,BOXES.h5")
    return Path(classifier), Path(boxes)
