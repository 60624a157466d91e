"""The folders that photos may be shown from, whatever paths a file names."""

import os
from collections.abc import Iterable
from pathlib import Path

from tvcli.core.files.project_settings import PROJECT_FOLDER
from tvcli.core.images.photo import BadImage


class Folders:
    """Folders of photos, links resolved: what lies elsewhere is not shown, nor put into a page.

    A link is judged by where it leads, since archives carry links as well as photos.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._real = [os.path.realpath(folder) for folder in folders]

    def hold(self, path: Path) -> bool:
        """Tell whether a file lies in one of them."""
        real = os.path.realpath(path)
        return any(os.path.commonpath((real, folder)) == folder for folder in self._real)

    def check(self, path: Path) -> None:
        """Raise BadImage for a file that lies in none of them."""
        if not self.hold(path):
            raise BadImage("outside the folder of the photos; --allow DIR shows what lies there")


def folders_of_index(
    path: Path, root: Path, allow: Iterable[Path], *, named: bool, beyond: bool
) -> Folders:
    """Return where the photos of an index may lie: `root`, and what the command line allows.

    An index says itself where its root is. To others than this machine (`beyond`) it is believed
    only for the folder that the index lies in, unless the command line `named` the root.
    """
    near = path.absolute().parent
    near = near.parent if near.name == PROJECT_FOLDER else near
    return Folders([near if beyond and not named else root, *allow])
