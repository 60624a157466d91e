"""One self-contained page of hits: thumbnails inside, nothing loaded from elsewhere."""

import base64
import html
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw

from tvcli.core.images import BadImage, decode_photo, read_photo, thumbnail
from tvcli.core.searching.search import Hit

IsRight = Callable[[Hit], bool]
Quad = list[list[float]]  # four corners, x and y in pixels of a photo

SIDE = 320  # pixels of a thumbnail's long side: sharp on a dense screen at the size shown
STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")


def hits_page(hits: list[Hit], title: str = "tv search") -> Iterator[str]:
    """Yield the parts of a page that shows each query and its hits, best first."""
    yield _head(title)
    for query, found in groupby(hits, key=lambda hit: hit.query):
        yield _section(query, [_list(found, query)])
    yield "</main></body></html>\n"


def comparison_page(found: dict[str, list[Hit]], title: str, is_right: IsRight) -> Iterator[str]:
    """Yield the parts of a page that shows, for each query, what several searches found for it.

    `found` maps the name of a search to its hits; the hits that `is_right` are marked.
    """
    yield _head(title)
    by_query: dict[str, dict[str, list[Hit]]] = {}
    for name, hits in found.items():
        for hit in hits:
            by_query.setdefault(hit.query, {}).setdefault(name, []).append(hit)
    for query, searches in by_query.items():
        lists = [
            f"<h3>{html.escape(name)}</h3>{_list(hits, query, is_right)}"
            for name, hits in searches.items()
        ]
        yield _section(query, lists)
    yield "</main></body></html>\n"


def _head(title: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f'</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><header><h1>{html.escape(title)}</h1></header><main>"
    )


def _section(query: str, lists: list[str]) -> str:
    name = _printable(query)
    return f'<section aria-label="{name}"><h2>{name}</h2>{"".join(lists)}</section>'


def _list(hits: Iterable[Hit], query: str, is_right: IsRight | None = None) -> str:
    hits = list(hits)
    found = [hit.check.inside for hit in hits if hit.check and hit.check.verified]
    items = [
        f'<li class="query">{_picture(query, [quad for quad in found if quad], "query")}'
        f'<p class="caption"><b>query</b><span>{_printable(Path(query).name)}</span></p></li>'
    ]
    for hit in hits:
        mark = ' class="right"' if is_right and is_right(hit) else ""
        shown = f"{_picture(hit.image, _quads(hit), hit.image)}{_caption(hit)}{_why(hit)}"
        items.append(f"<li{mark}>{shown}</li>")
    return f'<ol class="hits">{"".join(items)}</ol>'


def _caption(hit: Hit) -> str:
    label = f'<span class="label">{_printable(hit.label)}</span>' if hit.label else ""
    return (
        f'<p class="caption"><b>{hit.similarity:.3f}</b>{label}{_checked(hit)}'
        f'<span title="{_printable(hit.image)}">{_printable(Path(hit.image).name)}</span></p>'
    )


def _why(hit: Hit) -> str:
    """Return what made a hit similar, folded up; nothing where it was not asked for."""
    if not hit.explain:
        return ""
    data = base64.b64encode(Path(hit.explain).read_bytes()).decode()
    name = f"what made {_printable(Path(hit.image).name)} similar"
    picture = f'<img src="data:image/png;base64,{data}" alt="{name}" loading="lazy">'
    return f'<details class="why"><summary>why</summary>{picture}</details>'


def _checked(hit: Hit) -> str:
    """Return what the geometry says of a hit; nothing where it was not asked."""
    if hit.check is None:
        return ""
    if hit.check.verified:
        turned = ", mirrored" if hit.check.mirrored else ""
        return f'<span class="verified">✓ {hit.check.inliers} inliers{turned}</span>'
    return '<span class="unverified">not verified</span>'


def _quads(hit: Hit) -> list[Quad]:
    """Return what to draw in a hit: its object, and where the query lies in it."""
    quads: list[Quad] = []
    if hit.region is not None:
        x0, y0, x1, y1 = hit.region
        quads.append([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    if hit.check and hit.check.verified and hit.check.outline:
        quads.append(hit.check.outline)
    return quads


def _picture(path: str, quads: list[Quad], alternative: str) -> str:
    try:
        source = _data_uri(Path(path), quads)
    except BadImage as error:
        return f'<div class="missing" role="img">{html.escape(str(error))}</div>'
    return f'<img src="{source}" alt="{_printable(alternative)}" loading="lazy">'


def _data_uri(path: Path, quads: list[Quad]) -> str:
    photo = decode_photo(read_photo(path), size=SIDE)
    buffer = io.BytesIO()
    picture = thumbnail(photo, SIDE)
    for quad in quads:
        _outline(picture, quad, picture.width / photo.width)
    picture.save(buffer, "JPEG", quality=82, optimize=True)
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


def _printable(text: str) -> str:
    """Return text safe in HTML, with what is not UTF-8 marked."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
