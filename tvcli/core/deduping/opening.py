"""What to dedupe, as an index: the one named, the nearest, or one made of photos for the while."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tvcli.core.errors import UsageError
from tvcli.core.files.project_settings import default_index
from tvcli.core.files.sources import Source
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.manifest import MANIFEST
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
) -> Iterator[Index]:
    """Open the index that `sources` names, the nearest where nothing is named, or index photos.

    An index of photos is made as `tv index` makes it, in a temporary folder. `root` is where the
    photos of an index lie now.

    Raises:
        UsageError: there is nothing to dedupe, or an index together with other things.
        BadInput: the index, or all photos, cannot be used.
    """
    named = _named(sources)
    if named is not None:
        with open_index(named, root) as index:
            yield index
        return
    from tvcli.core.indexes.indexing import index_photos

    with tempfile.TemporaryDirectory(prefix="tv-dedupe-") as folder:
        target = Path(folder) / "index.tvx"
        index_photos(open_photos(), load_encoder(), target, report, {})
        with open_index(target) as index:
            yield index


def _named(sources: Sequence[str]) -> Path | None:
    """Return the index to open; None for photos."""
    paths = map(Path, sources)
    indexes = [path for path in paths if (path / MANIFEST).is_file() or path.suffix == ".tvx"]
    if indexes and len(sources) > 1:
        raise UsageError(f"{indexes[0]}: an index goes alone: tv index PHOTOS gathers all in one")
    if sources:
        return indexes[0] if indexes else None
    if (nearest := default_index()) is None:
        raise UsageError("name an index or photos: there is no .tv/index.tvx here or above")
    return nearest
