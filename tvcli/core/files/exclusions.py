"""What is left out of folders of photos: what photo managers and systems keep there, and globs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch, fnmatchcase
from pathlib import Path

# Folders of thumbnails, of previews and of what was thrown away, whatever their case.
KEPT_BY_OTHERS = (
    "@eadir",  # Synology: thumbnails
    "#recycle",
    "#snapshot",
    "@recycle",  # QNAP
    "@recently-snapshot",
    ".@__thumb",
    "$recycle.bin",  # Windows
    "system volume information",
    "lost+found",
    "__macosx",  # of archives made by macOS
    "files_trashbin",  # Nextcloud
    "files_versions",
    "*.lrdata",  # Lightroom: previews
    "*.photoslibrary",  # macOS Photos keeps originals under names of its own: export them
)


def _silent(message: str) -> None:
    """Say nothing."""


@dataclass(slots=True)
class Exclusions:
    """Tells what is left out, and through `note` once what was left out by default.

    A glob without a slash is matched with the name of a file or folder, one with a slash with the
    path from the folder that is walked. What is named itself is never left out.
    """

    globs: Sequence[str] = ()
    note: Callable[[str], None] = _silent
    _said: set[str] = field(default_factory=set)

    def folder(self, path: Path, walked: Path) -> bool:
        """Tell whether a folder, found while another is walked, is left out."""
        name = path.name.lower()
        if any(fnmatchcase(name, pattern) for pattern in KEPT_BY_OTHERS):
            if not self._said:
                self.note(
                    f"left out: {path} and other folders of thumbnails and trash; name one to have "
                    f"its photos"
                )
            self._said.add(name)
            return True
        return self.file(path, walked)

    def file(self, path: Path, walked: Path) -> bool:
        """Tell whether a file or folder is left out by a glob."""
        if not self.globs:
            return False
        relative = path.relative_to(walked).as_posix()
        return any(
            fnmatch(relative if "/" in glob else path.name, glob.rstrip("/").removeprefix("./"))
            for glob in self.globs
        )
