"""One self-contained page of hits: thumbnails inside, nothing loaded from elsewhere."""

import base64
import html
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw

from tvcli.core.boxes import Box
from tvcli.core.images import BadImage, decode_photo, read_photo, thumbnail
from tvcli.core.searching.search import Hit

IsRight = Callable[[Hit], bool]

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
    items = [
        f'<li class="query">{_picture(query, None, "query")}'
        f'<p class="caption"><b>query</b><span>{_printable(Path(query).name)}</span></p></li>'
    ]
    for hit in hits:
        mark = ' class="right"' if is_right and is_right(hit) else ""
        items.append(f"<li{mark}>{_picture(hit.image, hit.region, hit.image)}{_caption(hit)}</li>")
    return f'<ol class="hits">{"".join(items)}</ol>'


def _caption(hit: Hit) -> str:
    label = f'<span class="label">{_printable(hit.label)}</span>' if hit.label else ""
    return (
        f'<p class="caption"><b>{hit.similarity:.3f}</b>{label}'
        f'<span title="{_printable(hit.image)}">{_printable(Path(hit.image).name)}</span></p>'
    )


def _picture(path: str, box: Box | None, alternative: str) -> str:
    try:
        source = _data_uri(Path(path), box)
    except BadImage as error:
        return f'<div class="missing" role="img">{html.escape(str(error))}</div>'
    return f'<img src="{source}" alt="{_printable(alternative)}" loading="lazy">'


def _data_uri(path: Path, box: Box | None) -> str:
    photo = decode_photo(read_photo(path), size=SIDE)
    buffer = io.BytesIO()
    picture = thumbnail(photo, SIDE)
    if box is not None:
        _outline(picture, box, picture.width / photo.width)
    picture.save(buffer, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _outline(picture: Image.Image, box: Box, scale: float) -> None:
    """Draw where the object is: a light line on a dark one shows on anything."""
    corners = [side * scale for side in box]
    drawn = ImageDraw.Draw(picture)
    drawn.rectangle(corners, outline=(20, 20, 20), width=4)
    drawn.rectangle([corners[0] + 1, corners[1] + 1, corners[2] - 1, corners[3] - 1],
                    outline=(255, 214, 10), width=2)  # fmt: skip


def _printable(text: str) -> str:
    """Return text safe in HTML, with what is not UTF-8 marked."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
