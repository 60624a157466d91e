"""One self-contained page of hits: thumbnails inside, nothing loaded from elsewhere."""

import base64
import html
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tvcli.core.searching.hits import Hit
from tvcli.serve.folders import Folders
from tvcli.serve.page_parts import END, Quad, head, picture, printable

IsRight = Callable[[Hit], bool]


def hits_page(hits: list[Hit], allow: Iterable[Path], title: str = "tv search") -> Iterator[str]:
    """Yield the parts of a page that shows each query and its hits, best first.

    Only photos that lie in the root of their index, or in the folders `allow`, are put into it.
    """
    folders = Folders([*{hit.root for hit in hits if hit.root}, *allow])
    yield head(title)
    for query, found in groupby(hits, key=lambda hit: hit.query):
        yield _section(query, [_list(found, query, folders)])
    yield END


def comparison_page(found: dict[str, list[Hit]], title: str, is_right: IsRight) -> Iterator[str]:
    """Yield the parts of a page that shows, for each query, what several searches found for it.

    `found` maps the name of a search to its hits; the hits that `is_right` are marked.
    Photos lie in the current folder.
    """
    folders = Folders([Path.cwd()])
    yield head(title)
    by_query: dict[str, dict[str, list[Hit]]] = {}
    for name, hits in found.items():
        for hit in hits:
            by_query.setdefault(hit.query, {}).setdefault(name, []).append(hit)
    for query, searches in by_query.items():
        lists = [
            f"<h3>{html.escape(name)}</h3>{_list(hits, query, folders, is_right)}"
            for name, hits in searches.items()
        ]
        yield _section(query, lists)
    yield END


def _section(query: str, lists: list[str]) -> str:
    name = printable(query)
    return f'<section aria-label="{name}"><h2>{name}</h2>{"".join(lists)}</section>'


def _list(
    hits: Iterable[Hit], query: str, folders: Folders, is_right: IsRight | None = None
) -> str:
    hits = list(hits)
    found = [hit.check.inside for hit in hits if hit.check and hit.check.verified]
    items = [
        f'<li class="query">{picture(query, [quad for quad in found if quad], "query", folders)}'
        f'<p class="caption"><b>query</b><span>{printable(Path(query).name)}</span></p></li>'
    ]
    for hit in hits:
        mark = ' class="right"' if is_right and is_right(hit) else ""
        shown = f"{picture(hit.image, _quads(hit), hit.image, folders)}{_caption(hit)}{_why(hit)}"
        items.append(f"<li{mark}>{shown}</li>")
    return f'<ol class="hits">{"".join(items)}</ol>'


def _caption(hit: Hit) -> str:
    label = f'<span class="label">{printable(hit.label)}</span>' if hit.label else ""
    return (
        f'<p class="caption"><b>{hit.similarity:.3f}</b>{label}{_checked(hit)}'
        f'<span title="{printable(hit.image)}">{printable(Path(hit.image).name)}</span>'
        f"{_fields(hit)}</p>"
    )


def _fields(hit: Hit) -> str:
    """Return what else is known of a hit."""
    shown = (f"{printable(name)} {printable(v)}" for name, v in hit.shown_fields.items())
    return "".join(f'<span class="field">{text}</span>' for text in shown)


def _why(hit: Hit) -> str:
    """Return what made a hit similar, folded up; nothing where it was not asked for."""
    if not hit.explain:
        return ""
    data = base64.b64encode(Path(hit.explain).read_bytes()).decode()
    name = f"what made {printable(Path(hit.image).name)} similar"
    picture = f'<img src="data:image/png;base64,{data}" alt="{name}" loading="lazy">'
    return f'<details class="why"><summary>why</summary>{picture}</details>'


def _checked(hit: Hit) -> str:
    """Return what the geometry says of a hit; nothing where it was not asked."""
    if hit.check is None:
        return ""
    if hit.check.verified:
        return f'<span class="verified">✓ {hit.check.evidence}</span>'
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
