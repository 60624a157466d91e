"""The applications of the pages, from what a command names."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from starlette.types import ASGIApp

from tvcli.core.errors import UsageError
from tvcli.core.files.locks import check_writable
from tvcli.core.files.project_settings import index_or_default
from tvcli.core.files.sources import Source
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.older import note_older
from tvcli.core.reports import Report, nothing_found
from tvcli.serve.box_editor import BoxEditor
from tvcli.serve.box_file import BoxFile
from tvcli.serve.clicks import ClickFile
from tvcli.serve.collection import Collection
from tvcli.serve.finder import Finder
from tvcli.serve.folders import Folders, folders_of_index
from tvcli.serve.gallery import Gallery
from tvcli.serve.learning import Learner
from tvcli.serve.proposals import Proposals, locator_of
from tvcli.serve.references import Order
from tvcli.serve.triplet_editor import TripletEditor

COMPARED = 2


@contextmanager
def open_gallery(
    paths: list[Path],
    clicks: Path | None,
    root: Path | None = None,
    allow: Sequence[Path] = (),
    *,
    beyond: bool = False,
    report: Report | None = None,
) -> Iterator[ASGIApp]:
    """Open one index, or two to compare, as a gallery; `clicks` None: a file beside the first.

    The photos lie in `root`, or where the indexes say; those elsewhere are shown only from `allow`.
    `beyond`: others than this machine will look at them. The `report` is told of indexes of an
    older mini.

    Raises:
        UsageError: more than two indexes.
        BadInput: an index or the file of clicks cannot be used.
    """
    if len(paths) > COMPARED:
        raise UsageError("name one index, or two to compare")
    paths = paths or [index_or_default(None)]
    with ExitStack() as stack:
        indexes = [stack.enter_context(open_index(path, root)) for path in paths]
        for index in indexes:
            note_older(index, report or Report())
        finders = [_finder(index, root, allow, beyond=beyond) for index in indexes]
        for finder in finders:
            stack.callback(finder.settle)
            finder.warm()
        file = ClickFile(clicks or paths[0].with_suffix(".clicks.jsonl"))
        yield Gallery(finders, file, Learner(stack)).app()


@contextmanager
def open_box_editor(
    source: Source,
    output: Path,
    heads: tuple[Path, Path] | None = None,
    allow: Sequence[Path] = (),
    *,
    learn: bool = False,
    keep: Path | None = None,
) -> Iterator[ASGIApp]:
    """Open photos to draw boxes on, saved in `output`.

    What proposes boxes: `heads`, a classifier and boxes' nets, or with `learn` what is learned from
    the boxes meanwhile; heads that are trained then are kept in the folder `keep`. Photos outside
    the source's root are shown only from `allow`.

    Raises:
        UsageError: files of others are where heads would be kept.
        BadInput: no photo, or a file or head that cannot be used.
        Mismatch: the heads do not fit together.
    """
    names = list(dict.fromkeys(region.image for region in source.regions))
    if not names:
        raise nothing_found(Report(), source.arguments)
    check_writable(output)
    collection = Collection(source.root, names, Folders([source.root, *allow]))
    file = BoxFile(output, collection)
    proposals = Proposals(locator_of(*heads), collection) if heads else None
    if learn:
        from tvcli.serve.learned_proposals import LearnedProposals  # brings a network

        proposals = LearnedProposals(collection, file, keep)
    if proposals:
        proposals.start(
            [p for p in range(len(names)) if not file.count(p) and not file.is_empty(p)]
        )
    try:
        yield BoxEditor(collection, file, proposals).app()
    finally:
        if proposals:
            proposals.stop()


@contextmanager
def open_triplet_editor(
    path: Path | None,
    output: Path,
    order: Order = "uncertain",
    seed: int = 0,
    allow: Sequence[Path] = (),
    *,
    beyond: bool = False,
) -> Iterator[ASGIApp]:
    """Open an index to choose triplets, saved in `output`; `allow`, `beyond`: as in a gallery.

    Raises:
        BadInput: the index or the file of triplets cannot be used.
    """
    check_writable(output)
    with open_index(index_or_default(path)) as index:
        finder = _finder(index, None, allow, beyond=beyond)
        yield TripletEditor(finder, output, order, seed).app()


def _finder(index: Index, root: Path | None, allow: Sequence[Path], *, beyond: bool) -> Finder:
    folders = folders_of_index(index.path, index.root, allow, named=root is not None, beyond=beyond)
    return Finder(index, folders=folders)
