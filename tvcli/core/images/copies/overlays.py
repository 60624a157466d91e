"""What is laid over a picture or around it: text, emoji, logos, frames."""

from PIL import Image, ImageDraw, ImageFont, ImageOps

from tvcli.core.images.copies.change import Change, Colour, Copy, Parameters, Rng, in_place
from tvcli.core.images.copies.glyphs import EMOJI, MARKS, emoji_glyph, logo_badge
from tvcli.core.images.copies.transforms import shift

LETTERS = list("ABCDEFGHIKLMNOPRSTUVWXYZ  ")
LEAST_LETTER = 10  # pixels
PLACES = ("top left", "top right", "bottom left", "bottom right", "all over")


def draw_text(rng: Rng) -> Parameters:
    """Return a line of text, its height and its place, in shares of the sides."""
    return {
        "text": "".join(rng.choice(LETTERS, 12)),
        "height": rng.between(0.07, 0.14),
        "left": rng.between(0.02, 0.3),
        "top": rng.between(0.05, 0.85),
    }


def overprinted(
    image: Image.Image, text: str, height: float, left: float, top: float
) -> Image.Image:
    """Return the picture with text on it, white with a dark edge."""
    result = image.copy()
    font = ImageFont.load_default(max(LEAST_LETTER, round(min(image.size) * height)))
    place = image.width * left, image.height * top
    ImageDraw.Draw(result).text(place, text, "white", font, stroke_width=2, stroke_fill="black")
    return result


def framed(image: Image.Image, width: float, colour: Colour) -> Copy:
    """Return the picture in a frame of one colour; its `width` in short sides."""
    border = max(1, round(min(image.size) * width))
    return Copy(ImageOps.expand(image, border, tuple(colour)), shift(border, border))


def draw_emoji(rng: Rng) -> Parameters:
    """Return one to three emoji: their sizes, 12 to 35 % of the short side, and places."""
    count = int(rng.integers(1, 4))
    return {
        "emoji": [
            {
                "name": rng.one_of(EMOJI),
                "size": rng.between(0.12, 0.35),
                "left": rng.between(0, 1),
                "top": rng.between(0, 1),
                "degrees": rng.between(-30, 30),
            }
            for _ in range(count)
        ]
    }


def with_emoji(image: Image.Image, emoji: list[Parameters]) -> Image.Image:
    """Return the picture with emoji stuck on it."""
    result = image.copy()
    for one in emoji:
        side = max(8, round(one["size"] * min(image.size)))
        glyph = emoji_glyph(one["name"], side, one["degrees"])
        place = round(one["left"] * (image.width - side)), round(one["top"] * (image.height - side))
        result.paste(glyph, place, glyph)
    return result


def draw_logo(rng: Rng) -> Parameters:
    """Return a mark with letters, its size, where it is, and how opaque."""
    place = rng.one_of(PLACES)
    return {
        "mark": rng.one_of(MARKS),
        "letters": "".join(rng.choice(LETTERS[:24], int(rng.integers(3, 7)))),
        "colours": [rng.colour(), rng.colour()],
        "size": rng.between(0.1, 0.22),
        "place": place,
        "opacity": rng.between(0.25, 0.5) if place == "all over" else rng.between(0.5, 1),
    }


def with_logo(
    image: Image.Image,
    mark: str,
    letters: str,
    colours: list[Colour],
    size: float,
    place: str,
    opacity: float,
) -> Image.Image:
    """Return the picture with a logo in a corner, or as a watermark all over it."""
    height = max(12, round(size * min(image.size)))
    badge = logo_badge(mark, letters, colours, height)
    badge.putalpha(badge.getchannel("A").point(lambda value: round(value * opacity)))
    gap = max(2, height // 4)
    if place == "all over":
        spots = [
            (x + (row % 2) * badge.width, y)
            for row, y in enumerate(range(gap, image.height, 2 * height))
            for x in range(gap - badge.width, image.width, 2 * badge.width)
        ]
    else:
        x = gap if place.endswith("left") else image.width - badge.width - gap
        y = gap if place.startswith("top") else image.height - badge.height - gap
        spots = [(x, y)]
    result = image.copy()
    for spot in spots:
        result.paste(badge, spot, badge)
    return result


TEXT = Change(draw_text, in_place(overprinted))
EMOJI_ON_IT = Change(draw_emoji, in_place(with_emoji))
LOGO = Change(draw_logo, in_place(with_logo))
FRAME = Change(lambda rng: {"width": rng.between(0.04, 0.12), "colour": rng.colour()}, framed)
