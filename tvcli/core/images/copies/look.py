"""Changes of light and colour."""

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tvcli.core.images.copies.change import Change, Parameters, Rng, in_place

# Red, green and blue of the brown from red, green and blue: the matrix of CSS's sepia() filter.
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


def relit(image: Image.Image, brightness: float, contrast: float) -> Image.Image:
    """Return the picture in another light, by factors."""
    lit = ImageEnhance.Brightness(image).enhance(brightness)
    return ImageEnhance.Contrast(lit).enhance(contrast)


def draw_colour(rng: Rng) -> Parameters:
    """Return a factor of saturation, 0 (grey) to 2, and factors of red, green and blue."""
    balance = [rng.between(0.8, 1.25) for _ in range(3)]
    return {"saturation": rng.between(0, 2), "balance": balance}


def coloured(image: Image.Image, saturation: float, balance: list[float]) -> Image.Image:
    """Return the picture in other colours."""
    values = np.asarray(ImageEnhance.Color(image).enhance(saturation), np.float32) * balance
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def in_other_hues(image: Image.Image, degrees: float) -> Image.Image:
    """Return the picture with every hue gone around by so many degrees."""
    values = np.array(image.convert("HSV"))
    values[..., 0] += np.uint8(round(degrees * 256 / 360) % 256)  # around: 255 + 1 is 0
    return Image.fromarray(values, "HSV").convert("RGB")


def browned(image: Image.Image, strength: float) -> Image.Image:
    """Return the picture in the brown of old photos; with a strength of 1 in nothing else."""
    values = np.asarray(image, np.float32)
    mixed = strength * (values @ SEPIA.T.astype(np.float32)) + (1 - strength) * values
    return Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


BRIGHTNESS = Change(
    lambda rng: {"brightness": rng.between(0.6, 1.4), "contrast": rng.between(0.6, 1.4)},
    in_place(relit),
)
COLOUR = Change(draw_colour, in_place(coloured))
HUE = Change(lambda rng: {"degrees": rng.between(30, 330)}, in_place(in_other_hues))
BROWN = Change(lambda rng: {"strength": rng.between(0.6, 1)}, in_place(browned))
POSTERISE = Change(lambda rng: {"bits": int(rng.integers(2, 5))}, in_place(ImageOps.posterize))
