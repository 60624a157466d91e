"""Changes of light and colour."""

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tvcli.core.images.copies.change import Change, Parameters, Rng, between, in_place

SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
# red, green and blue of the brown from red, green and blue: the matrix of CSS's sepia() filter


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


def draw_hue(rng: Rng) -> Parameters:
    """Return degrees by which hues go around, 30 to 330."""
    return {"degrees": between(rng, 30, 330)}


def in_other_hues(image: Image.Image, degrees: float) -> Image.Image:
    """Return the picture with every hue gone around by an angle."""
    values = np.array(image.convert("HSV"))
    values[..., 0] += np.uint8(round(degrees * 256 / 360) % 256)  # around: 255 + 1 is 0
    return Image.fromarray(values, "HSV").convert("RGB")


def draw_sepia(rng: Rng) -> Parameters:
    """Return how brown it gets, 0.6 to 1."""
    return {"strength": between(rng, 0.6, 1)}


def browned(image: Image.Image, strength: float) -> Image.Image:
    """Return the picture in the brown of old photos."""
    values = np.asarray(image, np.float32)
    mixed = strength * (values @ SEPIA.T.astype(np.float32)) + (1 - strength) * values
    return Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


def draw_posterisation(rng: Rng) -> Parameters:
    """Return how many bits a value keeps, 2 to 4."""
    return {"bits": int(rng.integers(2, 5))}


def posterised(image: Image.Image, bits: int) -> Image.Image:
    """Return the picture in few colours."""
    return ImageOps.posterize(image, bits)


BRIGHTNESS = Change(draw_light, in_place(relit))
COLOUR = Change(draw_colour, in_place(coloured))
HUE = Change(draw_hue, in_place(in_other_hues))
BROWN = Change(draw_sepia, in_place(browned))
POSTERISE = Change(draw_posterisation, in_place(posterised))
