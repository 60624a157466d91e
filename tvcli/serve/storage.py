"""The photos that requests may name: below a folder, or by the addresses that they have."""

import os
from dataclasses import dataclass
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.serve.answers import Refused
from tvcli.serve.folders import Folders


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder of photos, and the prefix of the addresses that stand for it; nothing is fetched."""

    folder: Path
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> "Storage":
        """Return what `FOLDER` or `PREFIX=FOLDER` says; raises BadInput where there is none."""
        prefix, found, folder = text.rpartition("=")
        if not found or not Path(folder).is_dir():
            prefix, folder = "", text
        if not Path(folder).is_dir():
            raise BadInput(f"--photos {text}: no such folder")
        return cls(Path(folder).absolute(), prefix)

    def path(self, name: str) -> Path | None:
        """Return the file that a name or address stands for, None if it is of no such prefix.

        Raises:
            Refused (403): it lies outside the folder.
        """
        if not name.startswith(self.prefix) or "\0" in name:
            return None
        path = self.folder / name.removeprefix(self.prefix).lstrip("/")
        if not Folders([self.folder]).hold(path):
            raise Refused(403, f"{name:.200}: outside the folder of the photos")
        return path


def stored(storages: tuple[Storage, ...], name: str) -> Path:
    """Return the file of the first storage that has a photo.

    Raises:
        Refused: no folder was given (403), it lies outside (403), or is not there (404).
    """
    if not storages:
        raise Refused(403, "photos are named only where tv serve was given --photos")
    found = [path for storage in storages if (path := storage.path(name)) is not None]
    for path in found:
        if os.path.isfile(path):  # noqa: PTH113 - false, not an error, for names too long
            return path
    raise Refused(404, f"{name:.200}: no such photo")
