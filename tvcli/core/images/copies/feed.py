"""The screenshot of a phone that shows a picture in a feed."""

from PIL import Image, ImageDraw, ImageFont

from tvcli.core.images.copies.change import Change, Colour, Copy, Parameters, Rng
from tvcli.core.images.copies.grounds import GROUNDS, drawn_picture
from tvcli.core.images.copies.transforms import Transform, scaling, shift

TALLEST = 1.25  # heights by widths that a feed shows; of taller pictures it shows the middle
SCREEN = 2.1  # heights by widths of a phone
BAR, HEAD, FOOT = 0.07, 0.14, 0.24  # heights of the status bar and of what is around a post: widths
NAMES = ("anna.k", "tom_b", "dailypic", "north.light", "mira", "j.ortega", "the_walk")
CAPTIONS = ("what a day", "found this again", "no words", "which one do you like?", "as promised")
DARK_PAGE, LIGHT_PAGE = (18, 18, 20), (252, 252, 252)
DARK_INK, LIGHT_INK = (20, 20, 20), (235, 235, 235)


def draw_feed(rng: Rng) -> Parameters:
    """Return a screenshot of a feed: its width in pixels, the page, and who posted what."""
    return {
        "width": int(rng.integers(480, 1081)),
        "dark": bool(rng.integers(2)),
        "names": [rng.one_of(NAMES), rng.one_of(NAMES)],
        "caption": rng.one_of(CAPTIONS),
        "likes": int(rng.integers(3, 9999)),
        "accent": rng.colour(),
        "margin": rng.between(0, 0.04),
        "scrolled": rng.between(0, 1),
        "ground": rng.one_of(GROUNDS),
        "seed": rng.seed(),
    }


def in_feed(
    image: Image.Image,
    other: Image.Image | None,
    width: int,
    dark: bool,
    names: list[str],
    caption: str,
    likes: int,
    accent: Colour,
    margin: float,
    scrolled: float,
    ground: str,
    seed: int,
) -> Copy:
    """Return the screenshot: the picture whole, the other picture's post above and below it.

    `scrolled` is where the post lies, from the lowest place at which it is seen whole to the
    highest.
    """
    page = Image.new("RGB", (width, round(SCREEN * width)), DARK_PAGE if dark else LIGHT_PAGE)
    pen = _Pen(page, LIGHT_INK if dark else DARK_INK, accent)
    edge, bar, head, foot = (round(share * width) for share in (margin, BAR, HEAD, FOOT))
    shown, transform = _shown(image, width - 2 * edge)
    mate = other or drawn_picture(ground, accent, image.size, seed)
    following, _ = _shown(mate, width - 2 * edge)
    room = page.height - bar - head - foot - shown.height
    top = bar + head + round((1 - scrolled) * max(0, room))
    page.paste(following, (edge, top - head - foot - following.height))
    page.paste(following, (edge, top + shown.height + foot + head))
    page.paste(shown, (edge, top))
    pen.foot(top - head - foot, caption[::-1], likes // 2)
    pen.head(top - head, names[0])
    pen.foot(top + shown.height, caption, likes)
    pen.head(top + shown.height + foot, names[1])
    pen.status_bar(bar, "DARK" if dark else "LIGHT")
    return Copy(page, shift(edge, top) @ transform)


def _shown(image: Image.Image, width: int) -> tuple[Image.Image, Transform]:
    """Return what a feed shows of a picture at a width, and where that goes."""
    cut = max(0, round((image.height - TALLEST * image.width) / 2))
    part = image.crop((0, cut, image.width, max(image.height - cut, cut + 1)))
    height = max(1, round(part.height * width / part.width))
    shown = part.resize((width, height), Image.Resampling.BICUBIC)
    return shown, scaling(width / part.width, height / part.height) @ shift(0, -cut)


class _Pen:
    """Draws what is around the posts; lengths are in widths of the page."""

    def __init__(self, page: Image.Image, ink: tuple[int, int, int], accent: Colour) -> None:
        self._page, self._pen, self._ink = page, ImageDraw.Draw(page), ink
        self._accent = accent[0], accent[1], accent[2]

    def _text(self, x: float, y: float, text: str, height: float) -> None:
        font = ImageFont.load_default(height * self._page.width)
        self._pen.text((x * self._page.width, y), text, self._ink, font)

    def head(self, top: int, name: str) -> None:
        """Draw who posted: a round avatar, a name, three dots."""
        width = self._page.width
        left, right, high = 0.03 * width, 0.11 * width, top + 0.03 * width
        self._pen.ellipse((left, high, right, high + right - left), self._accent)
        self._text(0.13, top + 0.045 * width, name, 0.034)
        for number in range(3):
            x, y = (0.9 + 0.02 * number) * width, top + 0.07 * width
            self._pen.ellipse((x, y, x + 0.009 * width, y + 0.009 * width), self._ink)

    def foot(self, top: int, caption: str, likes: int) -> None:
        """Draw what is below a post: a heart's place, a bubble, an arrow, likes, a line of text."""
        width = self._page.width
        line, y = max(1, width // 180), top + 0.03 * width
        side = 0.055 * width
        self._pen.rounded_rectangle(
            (0.04 * width, y, 0.04 * width + side, y + side), side / 2.5, None, self._ink, line
        )
        self._pen.ellipse((0.13 * width, y, 0.13 * width + side, y + side), None, self._ink, line)
        arrow = [(0.22 * width, y + side), (0.25 * width, y), (0.28 * width, y + side)]
        self._pen.line(arrow, self._ink, line)
        self._text(0.04, top + 0.105 * width, f"{likes:,} likes", 0.032)
        self._text(0.04, top + 0.16 * width, caption, 0.032)

    def status_bar(self, height: int, page: str) -> None:
        """Draw the time and a battery over whatever was scrolled beneath."""
        width = self._page.width
        self._pen.rectangle((0, 0, width, height), DARK_PAGE if page == "DARK" else LIGHT_PAGE)
        self._text(0.05, 0.018 * width, "9:41", 0.034)
        battery = 0.87 * width, 0.022 * width, 0.94 * width, 0.05 * width
        self._pen.rounded_rectangle(battery, 0.006 * width, self._ink)


FEED = Change(draw_feed, in_feed, uses_other=True)
