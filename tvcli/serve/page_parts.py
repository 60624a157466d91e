"""What self-contained pages are made of: their style, and photos inside them."""

import base64
import hashlib
import html
import io
import os
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageDraw

from tvcli.core.images.known_pictures import open_picture
from tvcli.core.images.photo import BadImage, decode_photo, read_photo, thumbnail
from tvcli.serve.folders import Folders

Sizes = tuple[tuple[int, int], ...]  # long side in pixels and quality of a JPEG, largest first
Quad = list[list[float]]  # four corners, x and y in pixels of a photo

SIDE = 320  # pixels of a thumbnail's long side: sharp on a dense screen at the size shown
MOST_BYTES = 2_900_000  # of a page that is a file, but for its style
MARKUP_BYTES = 400  # about what is around each picture
SIZES = ((SIDE, 82), (SIDE, 68), (240, 65), (190, 60), (150, 55), (120, 45), (96, 35))
DRAWN_SIZES = ((900, 82), (700, 75), (500, 65), (320, 55), (200, 45))
STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")
END = "</main></body></html>\n"


def head(title: str, style: str = "", script: str = "") -> str:
    """Return the beginning of a page, up to where its sections come; `style` is more CSS.

    A policy inside forbids the browser whatever is not the page's own: its style, pictures within
    it, and the one `script` that comes at its end.
    """
    style = STYLE + style
    allowed = f"style-src {_hashed(style)}" + (f"; script-src {_hashed(script)}" if script else "")
    policy = f"default-src 'none'; img-src data:; {allowed}; base-uri 'none'; form-action 'none'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="referrer" content="no-referrer">'
        f"<title>{html.escape(title)}</title>"
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head><body><header><h1>{html.escape(title)}</h1></header><main>"
    )


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class Pictures:
    """Photos put into one page, which stays below a size: the more there are, the smaller each.

    `count` is how many there will be, `folders` where they may lie.
    """

    def __init__(self, folders: Folders, count: int, most: int = MOST_BYTES) -> None:
        self._folders, self._left = folders, max(1, count)
        self._bytes = most - MARKUP_BYTES * count
        self._before: dict[Sizes, int] = {SIZES: 0, DRAWN_SIZES: 0}  # which the last picture has

    def photo(self, path: str, quads: list[Quad], alternative: str) -> str:
        """Return a photo as a link to its file, with outlines drawn in it; or what is wrong."""
        try:
            shown = _outlined(path, quads, self._folders)
        except BadImage as error:
            self._left -= 1
            return _missing(str(error))
        name = printable(alternative)
        element = self._element(shown, SIZES, f'alt="{name}"') or _missing("not in this page")
        return (
            f'<a href="{_address(path)}" target="_blank" rel="noreferrer" '
            f'aria-label="Open {name}">{element}</a>'
        )

    def drawing(self, path: Path, alternative: str) -> str:
        """Return a picture of our own as an element, as a JPEG."""
        with open_picture(path.read_bytes()) as image:
            shown = image.convert("RGB")
        said = f'alt="{printable(alternative)}"'
        return self._element(shown, DRAWN_SIZES, said) or _missing("not in this page")

    def _element(self, shown: Image.Image, sizes: Sizes, said: str) -> str:
        """Return a picture as large as its share of the page allows, empty if that is too small."""
        share = max(0, self._bytes) / max(1, self._left)
        self._left -= 1
        before = at = self._before[sizes]  # likely this one's, too: few others are tried
        data = jpeg(shown, *sizes[at])
        while len(data) > share and at + 1 < len(sizes):
            at += 1
            data = jpeg(shown, *sizes[at])
        if at == before:
            while at and len(larger := jpeg(shown, *sizes[at - 1])) <= share:
                at, data = at - 1, larger
        self._before[sizes] = at
        if len(data) > share:
            return ""
        self._bytes -= len(data)
        return f'<img src="{data}" {said} loading="lazy">'


def picture(path: str, folders: Folders) -> str:
    """Return a photo as an element, or what is wrong with it."""
    try:
        shown = _outlined(path, [], folders)
    except BadImage as error:
        return _missing(str(error))
    return f'<img src="{jpeg(shown, *SIZES[0])}" alt="{printable(path)}" loading="lazy">'


def _address(path: str) -> str:
    """Return a path as an address that leads to that file and to nothing else."""
    quoted = quote(os.fsencode(path))  # a colon is quoted, too, so there is no other scheme
    return f"file://{quoted}" if quoted.startswith("/") else quoted


def _missing(reason: str) -> str:
    said = printable(reason)
    return f'<div class="missing" role="img" aria-label="{said}">{said}</div>'


def _outlined(path: str, quads: list[Quad], folders: Folders) -> Image.Image:
    """Return a photo with outlines drawn in it; raises BadImage, also for one outside folders."""
    folders.check(Path(path))
    photo = decode_photo(read_photo(Path(path)), size=SIDE)
    shown = thumbnail(photo, SIDE)
    for quad in quads:
        _outline(shown, quad, shown.width / photo.width)
    return shown


def jpeg(shown: Image.Image, side: int, quality: int) -> str:
    """Return a picture as a data URI of a JPEG whose long side has `side` pixels at most."""
    buffer = io.BytesIO()
    small = shown.copy()
    small.thumbnail((side, side))
    small.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _outline(picture: Image.Image, quad: Quad, scale: float) -> None:
    """Draw where something is: a light line on a dark one shows on anything.

    Corners that lie on the picture's edge are drawn inside it.
    """
    corners = [
        (_inside(x * scale, picture.width - 2), _inside(y * scale, picture.height - 2))
        for x, y in quad
    ]
    drawn = ImageDraw.Draw(picture)
    for colour, width in (((20, 20, 20), 4), ((255, 214, 10), 2)):
        drawn.line([*corners, *corners[:2]], fill=colour, width=width, joint="curve")


def _inside(place: float, end: int) -> float:
    """Return a place a few pixels beyond an edge as one on it; farther ones stay outside."""
    return min(max(place, 1), end) if -4 < place < end + 5 else place


def named(path: str) -> str:
    """Return a path as an element, of which the folder gives way where there is no room."""
    folder, slash, file = path.rpartition("/")
    above = f'<span class="folder"><bdi>{printable(folder + slash)}</bdi></span>' if slash else ""
    shown = f'{above}<span class="file">{printable(file)}</span>'
    return f'<span class="name" title="{printable(path)}">{shown}</span>'


def printable(text: str) -> str:
    """Return text safe in HTML, with what is not UTF-8 marked."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
