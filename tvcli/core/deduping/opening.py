"""What to dedupe, as an index: the one named, the nearest, or one made of photos for the while."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tvcli.core.errors import UsageError
from tvcli.core.files.paths import MANIFEST
from tvcli.core.files.project_settings import default_index
from tvcli.core.files.sources import Source
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.older import note_older
from tvcli.core.reports import Report

if TYPE_CHECKING:  # it brings torch, which an index that is there does without
    from tvcli.core.encoding.encoder import Encoder


@contextmanager
def index_to_dedupe(
    sources: Sequence[str],
    open_photos: Callable[[], Source],
    load_encoder: "Callable[[], Encoder]",
    report: Report,
    root: Path | None = None,
    like: Index | None = None,
) -> Iterator[Index]:
    """Open the index that `sources` names, the nearest where nothing is named, or index photos.

    An index of photos is made as `tv index` makes it, in a temporary folder; `like` another index,
    so that the two can be compared. `root` is where the photos of an index lie now.

    Raises:
        UsageError: there is nothing to dedupe, or an index together with other things.
        BadInput: the index, or all photos, cannot be used.
    """
    named = _named(sources)
    if named is not None:
        with open_index(named, root) as index:
            note_older(index, report)
            yield index
        return
    from tvcli.core.indexes.indexing import index_photos

    with tempfile.TemporaryDirectory(prefix="tv-dedupe-") as folder:
        target = Path(folder) / "index.tvx"
        encoder = _encoder_like(like) if like else load_encoder()
        ranked = like is not None and "rank" in like.settings
        rank = like.path / like.settings["rank"]["file"] if like and ranked else None
        index_photos(open_photos(), encoder, target, report, {}, rank=rank)
        with open_index(target) as index:
            yield index


@contextmanager
def indexes_to_compare(
    sources: Sequence[str],
    against: Sequence[str],
    open_photos: Callable[[Sequence[str]], Source],
    load_encoder: "Callable[[], Encoder]",
    report: Report,
    root: Path | None = None,
) -> Iterator[tuple[Index, Index]]:
    """Open two indexes, of what `sources` names and of what it is compared `against`.

    Photos of one are indexed as the index of the other was made.

    Raises:
        UsageError: there is nothing to dedupe, or an index together with other things.
        BadInput: the index, or all photos, of one cannot be used.
    """

    def opened(
        names: Sequence[str], root: Path | None, like: Index | None
    ) -> AbstractContextManager[Index]:
        return index_to_dedupe(names, lambda: open_photos(names), load_encoder, report, root, like)

    with ExitStack() as stack:
        if sources and not any(map(is_index, sources)):
            archive = stack.enter_context(opened(against, None, None))
            yield stack.enter_context(opened(sources, root, archive)), archive
        else:
            index = stack.enter_context(opened(sources, root, None))
            yield index, stack.enter_context(opened(against, None, index))


def _encoder_like(index: Index) -> "Encoder":
    from tvcli.core.encoding.encoder import encoder_of  # brings torch where the backbone needs it

    return encoder_of(index.settings["encoder"], index.settings["weights_file"])


def is_index(name: str) -> bool:
    """Tell whether a name is that of an index."""
    path = Path(name)
    return (path / MANIFEST).is_file() or path.suffix == ".tvx"


def _named(sources: Sequence[str]) -> Path | None:
    """Return the index to open; None for photos."""
    indexes = [source for source in sources if is_index(source)]
    if indexes and len(sources) > 1:
        raise UsageError(f"{indexes[0]}: an index goes alone: tv index PHOTOS gathers all in one")
    if sources:
        return Path(indexes[0]) if indexes else None
    if (nearest := default_index()) is None:
        raise UsageError("name an index or photos: there is no .tv/index.tvx here or above")
    return nearest
