"""The photos that requests may name: below a folder, or by the addresses that they have."""

import os
from dataclasses import dataclass
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import is_path
from tvcli.core.files.sources import is_photo
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
        """Return the file that a name or address stands for; None if it is none of the photos.

        Raises:
            Refused (403): it lies outside the folder.
        """
        if not name.startswith(self.prefix) or not is_path(name):
            return None
        path = self.folder / name.removeprefix(self.prefix).lstrip("/")
        if not Folders([self.folder]).hold(path):
            raise Refused(403, f"{name:.200}: outside the folder of the photos")
        return path if self._shows(path) else None

    def _shows(self, path: Path) -> bool:
        """Tell whether a file of the folder is a photo, and neither hidden nor in a hidden folder.

        A link is judged by its own name, and by where it leads.
        """
        real = os.path.relpath(os.path.realpath(path), os.path.realpath(self.folder))
        below = (*path.relative_to(self.folder).parts, *Path(real).parts)
        return not any(part.startswith(".") for part in below) and is_photo(path)


def stored(storages: tuple[Storage, ...], name: str) -> Path:
    """Return the file of the first storage that has a photo.

    Raises:
        Refused: no folder was given (403), it lies outside (403), or is not there (404).
    """
    if not storages:
        raise Refused(403, "photos are named only where tv serve was given --photos")
    for storage in storages:
        path = storage.path(name)
        if path is not None:
            return path
    raise Refused(404, f"{name:.200}: no such photo")
