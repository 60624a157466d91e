"""One self-contained page of pairs of photos: where the first lies in the second, and by what."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvcli.core.images.photo import BadImage, Photo, decode_photo, thumbnail
from tvcli.core.matching.match import Match
from tvcli.core.matching.matched_points import matched_points
from tvcli.core.matching.pairs import ComparedPair, Corners
from tvcli.serve.folders import Folders
from tvcli.serve.page_parts import END, head, jpeg, printable

SIDE = 720  # pixels of a photo's long side: sharp on a dense screen at the size shown
WIDTH, HEIGHT, GAP = 560, 400, 24  # of two photos side by side at most, in units of the drawing
STYLE = (Path(__file__).parent / "pairs_page.css").read_text("utf-8")


def pairs_page(pairs: Iterable[ComparedPair], allow: Iterable[Path]) -> Iterator[str]:
    """Yield the parts of a page that shows pairs side by side, with outlines and matched points.

    Only photos that lie in the folders `allow`, or came through a pipe, are put into it.
    """
    folders = Folders(allow)
    yield head("tv same", STYLE)
    for number, pair in enumerate(pairs, 1):
        names = printable(pair.named.first), printable(pair.named.second)
        verdict = "the same picture" if pair.same else "not the same picture"
        kind = "same" if pair.same else "different"
        yield (
            f'<section class="pair" aria-label="{names[0]} and {names[1]}">'
            f'<h2><span class="{kind}">{"✓" if pair.same else "✗"} {verdict}</span>'
            f"{_evidence(pair)}</h2>{_drawing(pair, number, folders)}"
            f'<p class="names"><span>{names[0]}</span><span>{names[1]}</span></p></section>'
        )
    yield END


def _evidence(pair: ComparedPair) -> str:
    match = pair.match
    said = [f"probability {match.probability:.3f}"]
    said += ["whole photos laid over each other" if match.whole else f"{match.inliers} inliers"]
    said += ["mirrored"] if match.mirrored else []
    return "".join(f"<small>{part}</small>" for part in said)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A photo in the drawing: its upper left corner, and units for a pixel of it."""

    photo: Photo
    x: float
    y: float
    scale: float

    @property
    def width(self) -> float:
        return self.photo.width * self.scale

    @property
    def place(self) -> str:
        """The rectangle that it fills, as attributes."""
        height = self.photo.height * self.scale
        return f'x="{self.x:.1f}" y="{self.y:.1f}" width="{self.width:.1f}" height="{height:.1f}"'


def _drawing(pair: ComparedPair, number: int, folders: Folders) -> str:
    """Return both photos with what is drawn over them, or what is wrong with one."""
    placed: list[_Placed] = []
    for name in (pair.named.first, pair.named.second):
        try:
            if name not in pair.named.piped:
                folders.check(Path(name))
            photo = decode_photo(pair.named.read(name))
        except BadImage as error:
            return f'<div class="missing" role="img">{printable(f"{name}: {error}")}</div>'
        scale = min(HEIGHT / photo.height, WIDTH / photo.width)
        x = placed[0].width + GAP if placed else 0.0
        placed.append(_Placed(photo, x, (HEIGHT - photo.height * scale) / 2, scale))
    outlines = (pair.inside, pair.outline) if pair.same else (None, None)
    parts = [
        _photo(*both, f"clip-{number}-{side}")
        for side, both in enumerate(zip(placed, outlines, strict=True))
    ]
    parts += _threads(pair.match, placed[0], placed[1]) if pair.same else []
    label = f"{printable(pair.named.first)} beside {printable(pair.named.second)}"
    view = f'viewBox="0 0 {placed[1].x + placed[1].width:.1f} {HEIGHT}"'
    return f'<svg {view} role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _photo(placed: _Placed, outline: Corners | None, name: str) -> str:
    """Return a photo with the outline of the other in it: a light line on a dark one."""
    data = jpeg(thumbnail(placed.photo, SIDE), SIDE, 85)
    shown = f'<image href="{data}" {placed.place} preserveAspectRatio="none"/>'
    if outline is None:
        return shown
    points = " ".join(
        f"{placed.x + x * placed.scale:.1f},{placed.y + y * placed.scale:.1f}" for x, y in outline
    )
    drawn = "".join(f'<polygon class="{kind}" points="{points}"/>' for kind in ("under", "over"))
    clip = f'<clipPath id="{name}"><rect {placed.place}/></clipPath>'
    return f'{shown}{clip}<g clip-path="url(#{name})">{drawn}</g>'


def _threads(match: Match, first: _Placed, second: _Placed) -> list[str]:
    """Return the points that match, each with a thread to its like."""
    found = matched_points(first.photo, second.photo, match)
    found *= np.repeat([first.scale, second.scale], 2)
    found += np.array([first.x, first.y, second.x, second.y])
    return [
        f'<g class="thread"><line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'
        f'<circle cx="{x0:.1f}" cy="{y0:.1f}" r="3"/>'
        f'<circle cx="{x1:.1f}" cy="{y1:.1f}" r="3"/></g>'
        for x0, y0, x1, y1 in found.tolist()
    ]
