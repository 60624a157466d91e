"""What is left out of folders of photos: what photo managers and systems keep there, and globs."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch, fnmatchcase
from pathlib import Path

from tvcli.core.reports import unheard

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


@dataclass(slots=True)
class Exclusions:
    """Tells what is left out; what was not asked for now is told through `note`, once.

    That is what is left out by default, and by globs `remembered` from before. A glob without a
    slash is matched with the name of a file or folder, one with a slash with the path from the
    folder that is walked. What is named itself is never left out.
    """

    globs: Sequence[str] = ()
    note: Callable[[str], None] = unheard
    remembered: Sequence[str] = ()
    _said: set[str] = field(default_factory=set)
    _told: bool = False

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
        if self._matches(self.globs, path, walked):
            return True
        if not self._matches(self.remembered, path, walked):
            return False
        if not self._told:
            globs = " ".join(f"--exclude {shlex.quote(glob)}" for glob in self.remembered)
            self.note(f"left out: {path} and others, by {globs} of before; --exclude '' ends that")
        self._told = True
        return True

    @property
    def every(self) -> list[str]:
        """The globs, remembered ones first."""
        return list(dict.fromkeys((*self.remembered, *filter(None, self.globs))))

    def _matches(self, globs: Sequence[str], path: Path, walked: Path) -> bool:
        if not globs:
            return False
        relative = path.relative_to(walked).as_posix()
        return any(
            fnmatch(relative if "/" in glob else path.name, glob.rstrip("/").removeprefix("./"))
            for glob in globs
        )


def with_remembered(
    remembered: Sequence[str], globs: Sequence[str], note: Callable[[str], None]
) -> Exclusions:
    """Return what is left out by globs given now and before; an empty one forgets those of before.

    `remembered` are those of before.
    """
    given = tuple(filter(None, globs))
    return Exclusions(given, note, () if len(given) < len(globs) else tuple(remembered))
