"""How results look in a notebook: thumbnails inside the page, with all text escaped."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvcli.core.boxes import Box
from tvcli.core.images.photo import BadImage, decode_photo, read_photo, thumbnail

SIDE = 160  # pixels of a thumbnail's long side
MOST_CARDS = 24  # of a result: a notebook keeps every thumbnail in its file

CARD = "display:inline-block;width:170px;margin:4px;vertical-align:top;font:12px sans-serif"
TEXT = "overflow-wrap:anywhere"


@dataclass(frozen=True, slots=True)
class Card:
    """A photo, or the part of it in a box, with lines of text below."""

    photo: Path
    lines: tuple[str, ...]
    box: Box | None = None


def cards(title: str, shown: Sequence[Card]) -> str:
    """Return HTML of some cards under a title: no scripts, and nothing loaded from anywhere."""
    figures = "".join(_figure(card) for card in shown[:MOST_CARDS])
    rest = len(shown) - MOST_CARDS
    more = f"<p>and {rest} more</p>" if rest > 0 else ""
    return f"<div><p><b>{escaped(title)}</b></p>{figures}{more}</div>"


def escaped(text: str) -> str:
    """Return text safe in HTML; what is not UTF-8 becomes a question mark."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return HTML of a table under a title."""
    head = "".join(f"<th>{escaped(name)}</th>" for name in columns)
    lines = "".join(
        f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<p><b>{escaped(title)}</b></p><table><tr>{head}</tr>{lines}</table>"


def _figure(card: Card) -> str:
    lines = "<br>".join(escaped(line) for line in card.lines)
    return (
        f'<figure style="{CARD}">{_picture(card)}<figcaption style="{TEXT}">{lines}'
        f"</figcaption></figure>"
    )


def _picture(card: Card) -> str:
    try:
        crops = [] if card.box is None else [card.box]
        photo = decode_photo(read_photo(card.photo), size=SIDE, crops=crops)
    except BadImage as error:
        return f"<p>{escaped(str(error))}</p>"
    buffer = io.BytesIO()
    thumbnail(photo, SIDE, card.box).save(buffer, "JPEG", quality=82)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escaped(card.photo.name)}" src="data:image/jpeg;base64,{data}">'
