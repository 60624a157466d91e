"""Pictures that tv draws, with a mark by which it knows them again."""

from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tvcli.core.files.own_files import MARK, check_own


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture with a mark by which it is known again; a picture of others is not replaced.

    Raises:
        UsageError: a file of that name is there that tv did not write.
        OSError: it cannot be written.
    """
    check_own(path, "picture")
    picture.save(path, "JPEG", quality=92, comment=MARK.encode())


def marked() -> PngInfo:
    """Return the mark as PNG keeps it."""
    about = PngInfo()
    about.add_text("Comment", MARK)
    return about
