"""What self-contained pages are made of: their style, and photos inside them."""

import base64
import hashlib
import html
import io
from pathlib import Path

from PIL import Image, ImageDraw

from tvcli.core.images.photo import BadImage, decode_photo, read_photo, thumbnail
from tvcli.serve.folders import Folders

Quad = list[list[float]]  # four corners, x and y in pixels of a photo

SIDE = 320  # pixels of a thumbnail's long side: sharp on a dense screen at the size shown
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


def picture(path: str, quads: list[Quad], alternative: str, folders: Folders) -> str:
    """Return a photo as an element, with outlines drawn in it; or what is wrong with it."""
    try:
        folders.check(Path(path))
        source = _data_uri(Path(path), quads)
    except BadImage as error:
        return f'<div class="missing" role="img">{html.escape(str(error))}</div>'
    return f'<img src="{source}" alt="{printable(alternative)}" loading="lazy">'


def _data_uri(path: Path, quads: list[Quad]) -> str:
    photo = decode_photo(read_photo(path), size=SIDE)
    buffer = io.BytesIO()
    shown = thumbnail(photo, SIDE)
    for quad in quads:
        _outline(shown, quad, shown.width / photo.width)
    shown.save(buffer, "JPEG", quality=82, optimize=True)
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


def printable(text: str) -> str:
    """Return text safe in HTML, with what is not UTF-8 marked."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
