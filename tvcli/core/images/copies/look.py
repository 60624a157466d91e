"""Changes of light and colour, and what is laid over a picture or around it."""

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from tvcli.core.images.copies.change import Change, Colour, Parameters, Rng, any_colour, between

LETTERS = list("ABCDEFGHIKLMNOPRSTUVWXYZ  ")
LEAST_LETTER = 10  # pixels


def draw_light(rng: Rng) -> Parameters:
    """Return factors of brightness and contrast, 0.6 to 1.4."""
    return {"brightness": between(rng, 0.6, 1.4), "contrast": between(rng, 0.6, 1.4)}


def relit(image: Image.Image, brightness: float, contrast: float) -> Image.Image:
    """Return the picture in another light."""
    return ImageEnhance.Contrast(ImageEnhance.Brightness(image).enhance(brightness)).enhance(
        contrast
    )


def draw_colour(rng: Rng) -> Parameters:
    """Return a factor of saturation, 0 (grey) to 2, and factors of red, green and blue."""
    balance = [between(rng, 0.8, 1.25) for _ in range(3)]
    return {"saturation": between(rng, 0, 2), "balance": balance}


def coloured(image: Image.Image, saturation: float, balance: list[float]) -> Image.Image:
    """Return the picture in other colours."""
    values = np.asarray(ImageEnhance.Color(image).enhance(saturation), np.float32) * balance
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def draw_text(rng: Rng) -> Parameters:
    """Return a line of text, its height and its place, in shares of the sides."""
    return {
        "text": "".join(rng.choice(LETTERS, 12)),
        "height": between(rng, 0.07, 0.14),
        "left": between(rng, 0.02, 0.3),
        "top": between(rng, 0.05, 0.85),
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


def draw_frame(rng: Rng) -> Parameters:
    """Return a width of 4 to 12 % of the short side, and a colour."""
    return {"width": between(rng, 0.04, 0.12), "colour": any_colour(rng)}


def framed(image: Image.Image, width: float, colour: Colour) -> Image.Image:
    """Return the picture in a frame of one colour."""
    border = max(1, round(min(image.size) * width))
    return ImageOps.expand(image, border, (colour[0], colour[1], colour[2]))


BRIGHTNESS = Change(draw_light, relit)
COLOUR = Change(draw_colour, coloured)
TEXT = Change(draw_text, overprinted)
FRAME = Change(draw_frame, framed)
