"""One self-contained page of hits: thumbnails inside, nothing loaded from elsewhere."""

import base64
import html
import io
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tvcli.core.boxes import Box
from tvcli.core.images import BadImage, decode_photo, read_photo, thumbnail
from tvcli.core.search import Hit

SIDE = 320  # pixels of a thumbnail's long side: sharp on a dense screen at the size shown
STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")


def hits_page(hits: list[Hit], title: str = "tv search") -> Iterator[str]:
    """Yield the parts of a page that shows each query and its hits, best first."""
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f'</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><header><h1>{html.escape(title)}</h1></header><main>"
    )
    for query, found in groupby(hits, key=lambda hit: hit.query):
        yield from _section(query, list(found))
    yield "</main></body></html>\n"


def _section(query: str, hits: list[Hit]) -> Iterator[str]:
    name = _printable(query)
    yield f'<section aria-label="{name}"><h2>{name}</h2><div class="row"><ol class="hits">'
    yield f'<li class="query">{_picture(query, None, "query")}'
    yield f'<p class="caption"><b>query</b><span>{_printable(Path(query).name)}</span></p></li>'
    for hit in hits:
        yield f"<li>{_picture(hit.image, hit.region, hit.image)}{_caption(hit)}</li>"
    yield "</ol></div></section>"


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
    thumbnail(photo, SIDE).save(buffer, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _printable(text: str) -> str:
    """Return text safe in HTML, with what is not UTF-8 marked."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
