"""`tv demo`: the whole chain on pictures it draws itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvcli.terminal import options
from tvcli.terminal.calling import call
from tvcli.terminal.logs import log, tell
from tvcli.terminal.progress import reporting

if TYPE_CHECKING:
    from tvcli.core.searching.hits import Hit
    from tvcli.demo.chain import Step

PAGE = "demo.html"


def demo(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="The folder to draw the pictures into and to work in.")
    ] = Path("tv-demo"),
    small: Annotated[
        bool,
        typer.Option(
            "--small", help="Draw 54 photos instead of 240: a quick check that everything works."
        ),
    ] = False,
    seed: options.Seed = 0,
) -> None:
    """Run the whole chain on pictures that it draws itself.

    The demo learns what a garment is and which garments belong together, and writes a page that
    compares what each search finds. It prints every command before it runs it, so that you can
    repeat them yourself.
    """
    from tvcli.core.files.own_files import check_own_folder
    from tvcli.demo.chain import CHAIN, FULL, PATTERNS, SMALL, draw

    check_own_folder(folder, PATTERNS)
    if find_spec("torch") is None:  # which the third step needs: said before anything is drawn
        raise ModuleNotFoundError(name="torch")
    with reporting() as report:
        records = draw(folder, SMALL if small else FULL, seed, report)
        report.summary(f"{len(records)} photos drawn in {folder}/photos")
    tell(f"\n$ cd {folder}", event="step")
    with chdir(folder):
        _run_all(CHAIN, context.find_root().command)
        _conclude(records)
    print(f"Look at {folder / PAGE}")


def _run_all(chain: "tuple[Step, ...]", tv: Any) -> None:
    """Run commands in order, and on several cores one that may run beside the one before it so."""
    from tvcli.core.parallel import cores

    for step, following in zip(chain, (*chain[1:], None), strict=True):
        if step.beside and cores() > 1:  # it runs, or has ended
            continue
        if following is None or not following.beside or cores() == 1:
            _run(step, tv)
            continue
        with _started(following) as other:
            _run(step, tv)
            _tell_step(following)
            _, said = other.communicate()
        sys.stderr.write(said)
        if other.returncode:
            raise typer.Exit(other.returncode)


@contextmanager
def _started(step: "Step") -> "Iterator[subprocess.Popen[str]]":
    """Start a command as a process of its own, which ends with the block at the latest."""
    flags = ["--log-json"] if log().json else []
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tvcli", *flags, *step.arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _tell_step(step: "Step") -> None:
    comment = f"\n# {step.why}\n" if step.why else ""
    tell(f"{comment}$ {step}", event="step")


def _run(step: "Step", tv: Any) -> None:
    _tell_step(step)
    with ExitStack() as stack:
        if step.output is not None:
            file = stack.enter_context(Path(step.output).open("w", encoding="utf-8"))
            stack.enter_context(redirect_stdout(file))
        if status := call(tv, step.arguments):
            raise typer.Exit(status)


def _conclude(records: list[dict[str, Any]]) -> None:
    """Write the page and print what each search came to."""
    from tvcli.demo.chain import SEARCHES, outcome, read_hits, shown_queries
    from tvcli.serve.page import comparison_page

    found = {name: read_hits(Path(file)) for name, file in SEARCHES.items()}
    print(f"\n{'searching by':<34}first hit: same garment   six hits: same pattern")
    for name, hits in found.items():
        came = outcome(hits, records)
        garment = f"{came.same_garment} of {came.queries}"
        print(f"  {name:<32}{garment:>23}{came.same_pattern:>25.0%}")
    pattern = {record["image"]: record["pattern"] for record in records}
    shown = shown_queries(records)
    looked_at = {name: [h for h in hits if h.query in shown] for name, hits in found.items()}
    title = "tv demo: what each search finds, the same pattern marked ✓"

    def is_right(hit: "Hit") -> bool:
        return bool(pattern[hit.image] == pattern[hit.query])

    page = comparison_page(looked_at, title, is_right, "same pattern")
    Path(PAGE).write_text("".join(page), "utf-8")
