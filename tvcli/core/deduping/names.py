"""Names of files: which of them lead to one file by links, and which entry of a folder each is.

To remove a name takes away the entry that its last part is in its folder, wherever links to
folders lead on the way there: a symbolic link, or the file itself. Where case makes no
difference, names that differ by it are one entry.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from itertools import chain
from pathlib import Path

from tvcli.core.files.spellings import as_on_disk


@cache
def _real_folder(folder: str) -> str:
    return as_on_disk(os.path.realpath(folder))


def entry_of(path: Path) -> str:
    """Return the entry that a name is, by its real folder: what removing the name takes away."""
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - the last link stays
    return as_on_disk(os.path.join(_real_folder(folder), name))  # noqa: PTH118 - of texts


def file_of(path: Path) -> str:
    """Return the real path of the file that a name leads to."""
    entry = entry_of(path)
    return as_on_disk(os.path.realpath(entry)) if os.path.islink(entry) else entry  # noqa: PTH114


class Names:
    """Names (relative to a root), of some contents, by the file that each leads to."""

    def __init__(self, root: Path, contents: Iterable[Iterable[str]]) -> None:
        self._root = root
        _real_folder.cache_clear()
        self._by_file: dict[str, list[str]] = defaultdict(list)
        for image in chain.from_iterable(contents):
            self._by_file[file_of(root / image)].append(image)

    def of_same_file(self, image: str) -> list[str]:
        """Return all names of the file that a name leads to, those of the file itself first."""
        file = file_of(self._root / image)
        names = self._by_file.get(file, [image])
        return sorted(names, key=lambda name: (entry_of(self._root / name) != file, name))

    def entries(self, images: Iterable[str]) -> list[str]:
        """Return one name for each entry of a folder that some names are, in their order."""
        first: dict[str, str] = {}
        for image in images:
            first.setdefault(entry_of(self._root / image), image)
        return list(first.values())
