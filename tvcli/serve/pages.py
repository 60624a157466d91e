"""The applications of the pages, from what a command names."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from starlette.types import ASGIApp

from tvcli.core.config import default_index
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.index import open_index
from tvcli.serve.clicks import ClickFile
from tvcli.serve.finder import Finder
from tvcli.serve.gallery import Gallery
from tvcli.serve.thumbnails import Thumbnails

COMPARED = 2


@contextmanager
def open_gallery(paths: list[Path], clicks: Path | None) -> Iterator[ASGIApp]:
    """Open one index, or two to compare, as a gallery; `clicks` None: a file beside the first.

    Raises:
        UsageError: more than two indexes.
        BadInput: an index or the file of clicks cannot be used.
    """
    if len(paths) > COMPARED:
        raise UsageError("name one index, or two to compare")
    paths = paths or [_default()]
    with ExitStack() as stack:
        finders = [Finder(stack.enter_context(open_index(path))) for path in paths]
        for finder in finders:
            finder.warm()
        file = ClickFile(clicks or paths[0].with_suffix(".clicks.jsonl"))
        yield Gallery(finders, file).app(Thumbnails())


def _default() -> Path:
    path = default_index()
    if path is None:
        raise BadInput("no index here or above: name one, or make one: tv index PHOTOS")
    return path
