"""`tv demo`: the whole chain on pictures it draws itself."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvcli.terminal import options
from tvcli.terminal.progress import reporting

if TYPE_CHECKING:
    from tvcli.core.demo import Step


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to draw and work.")] = Path("tv-demo"),
    seed: options.Seed = 0,
) -> None:
    """Draw a collection and run the whole chain on it.

    It leaves a page of hits to look at. Every command is printed before it runs, as one could type it.
    """
    from tvcli.core.demo import chain, count_found, draw

    with reporting() as report:
        records = draw(folder, seed, report)
        report.summary(f"{len(records)} photos drawn in {folder}/photos, boxes in boxes.jsonl")
    print(f"\n$ cd {folder}", file=sys.stderr)
    with _inside(folder):
        for step in chain():
            _run(step, context.find_root().command)
        found, asked = count_found(Path("hits.jsonl"), records)
    print(f"\nThe first hit shows the same garment for {found} of {asked} queries.")
    print(f"Look at {folder / 'hits.html'}")


def _run(step: "Step", tv: Any) -> None:
    print(f"\n# {step.why}\n$ {step}", file=sys.stderr, flush=True)
    if step.output is None:
        tv.main(list(step.arguments), "tv", standalone_mode=False)
        return
    with Path(step.output).open("w", encoding="utf-8") as file, redirect_stdout(file):
        tv.main(list(step.arguments), "tv", standalone_mode=False)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
