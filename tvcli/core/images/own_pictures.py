"""Pictures that tv draws, with a mark by which it knows them again."""

import hashlib
import os
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tvcli.core.files.own_files import MARK, check_own

LONGEST = 200  # bytes of a name: file systems take 255, and what is half written has a longer one
CODE = 12  # hexadecimal digits


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture with a mark by which it is known again; a picture of others is not replaced.

    Raises:
        UsageError: a file of that name is there that tv did not write.
        OSError: it cannot be written.
    """
    check_own(path, "picture")
    picture.save(path, "JPEG", quality=92, comment=MARK.encode())


def picture_name(of: str, ending: str) -> str:
    """Return the name of a picture that is made `of` something, such as a photo's name.

    One too long for a file system is cut, and says by a code of the whole which one it is: a photo
    may have as long a name as there can be, and the folders it lies in are part of some names.
    """
    whole = os.fsencode(of)
    if len(whole) + len(os.fsencode(ending)) > LONGEST:
        kept = whole[: LONGEST - CODE - 1 - len(os.fsencode(ending))].decode("utf-8", "ignore")
        of = f"{kept}-{hashlib.sha256(whole).hexdigest()[:CODE]}"
    return of + ending


def marked() -> PngInfo:
    """Return the mark as PNG keeps it."""
    about = PngInfo()
    about.add_text("Comment", MARK)
    return about
