"""One self-contained page of hits: thumbnails inside, nothing loaded from elsewhere."""

import html
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tvcli.core.boxes import Box
from tvcli.core.searching.hits import Hit
from tvcli.serve.folders import Folders
from tvcli.serve.page_parts import END, Pictures, Quad, head, named, printable

COMPARED_BYTES = 12_000_000  # of the pictures in a page that compares searches

IsRight = Callable[[Hit], bool]


def hits_page(hits: list[Hit], allow: Iterable[Path]) -> Iterator[str]:
    """Yield the parts of a page that shows each query and its hits, best first.

    Only photos that lie in the root of their index, or in the folders `allow`, are put into it.
    """
    folders = Folders([*{hit.root for hit in hits if hit.root}, *allow])
    queries = sum(1 for _ in groupby(hits, key=lambda hit: hit.asked))
    drawn = sum(bool(hit.explain) for hit in hits)
    pictures = Pictures(folders, queries + len(hits) + drawn)
    yield head("tv search")
    for (query, _), found in groupby(hits, key=lambda hit: hit.asked):
        yield _section(query, [_list(found, query, pictures)])
    yield END


def comparison_page(
    found: dict[str, list[Hit]], title: str, is_right: IsRight, right: str = "right"
) -> Iterator[str]:
    """Yield the parts of a page that shows, for each query, what several searches found for it.

    `found` maps the name of a search to its hits; the hits that `is_right` are marked, by a colour
    and by the word for it, `right`. Photos lie in the current folder.
    """
    count = sum(len(hits) + len({hit.query for hit in hits}) for hits in found.values())
    pictures = Pictures(Folders([Path.cwd()]), count, COMPARED_BYTES)
    yield head(title)
    by_query: dict[str, dict[str, list[Hit]]] = {}
    for name, hits in found.items():
        for hit in hits:
            by_query.setdefault(hit.query, {}).setdefault(name, []).append(hit)
    for query, searches in by_query.items():
        lists = [
            f"<h3>{html.escape(name)}</h3>{_list(hits, query, pictures, is_right, right)}"
            for name, hits in searches.items()
        ]
        yield _section(query, lists)
    yield END


def _section(query: str, lists: list[str]) -> str:
    name = printable(query)
    return f'<section aria-label="{name}"><h2>{name}</h2>{"".join(lists)}</section>'


def _list(
    hits: Iterable[Hit],
    query: str,
    pictures: Pictures,
    is_right: IsRight | None = None,
    right: str = "",
) -> str:
    hits = list(hits)
    found = [hit.check.inside for hit in hits if hit.check and hit.check.verified]
    quads = [_corners(hit.query_box) for hit in hits[:1] if hit.query_box]
    quads += [quad for quad in found if quad]
    items = [
        f'<li class="query">{pictures.photo(query, quads, "query")}'
        f'<p class="caption"><b>query</b>{named(query)}</p></li>'
    ]
    for hit in hits:
        marked = is_right is not None and is_right(hit)
        said = f'<p class="mark">✓ {html.escape(right)}</p>' if marked else ""
        photo = pictures.photo(hit.image, _quads(hit), hit.image)
        shown = f"{photo}{_caption(hit)}{said}{_why(hit, pictures)}"
        items.append(f'<li class="right">{shown}</li>' if marked else f"<li>{shown}</li>")
    return f'<ol class="hits">{"".join(items)}</ol>'


def _caption(hit: Hit) -> str:
    label = f'<span class="label">{printable(hit.label)}</span>' if hit.label else ""
    return (
        f'<p class="caption"><b>{hit.similarity:.3f}</b>{label}{_checked(hit)}'
        f"{named(hit.image)}{_same(hit)}{_fields(hit)}</p>"
    )


def _same(hit: Hit) -> str:
    """Return how many other files have the same content, and which."""
    if not hit.same_content:
        return ""
    names = printable(", ".join(hit.same_content))
    return f'<span class="same" title="{names}">+{len(hit.same_content)}</span>'


def _fields(hit: Hit) -> str:
    """Return what else is known of a hit."""
    shown = (f"{printable(name)} {printable(v)}" for name, v in hit.shown_fields.items())
    return "".join(f'<span class="field">{text}</span>' for text in shown)


def _why(hit: Hit, pictures: Pictures) -> str:
    """Return what made a hit similar, folded up; nothing where it was not asked for."""
    if not hit.explain:
        return ""
    name = f"what made {Path(hit.image).name} similar"
    picture = pictures.drawing(Path(hit.explain), name)
    return f'<details class="why"><summary>why</summary>{picture}</details>'


def _checked(hit: Hit) -> str:
    """Return what the geometry says of a hit; nothing where it was not asked."""
    if hit.check is None:
        return ""
    if hit.check.verified:
        return f'<span class="verified">✓ {hit.check.match.in_short}</span>'
    return '<span class="unverified">not verified</span>'


def _quads(hit: Hit) -> list[Quad]:
    """Return what to draw in a hit: its object, and where the query lies in it."""
    quads: list[Quad] = []
    if hit.region is not None:
        quads.append(_corners(hit.region))
    if hit.check and hit.check.verified and hit.check.outline:
        quads.append(hit.check.outline)
    return quads


def _corners(box: Box) -> Quad:
    x0, y0, x1, y1 = box
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
