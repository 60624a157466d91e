"""Changes of how well things are seen: compression, blur, noise, coarse pixels."""

import io

import numpy as np
from PIL import Image, ImageFilter

from tvcli.core.images.copies.change import Change, in_place
from tvcli.core.images.known_pictures import open_picture


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """Return the picture as JPEG keeps it."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return open_picture(buffer.getvalue()).convert("RGB")


def blurred(image: Image.Image, deviation: float) -> Image.Image:
    """Return the picture blurred by a standard deviation in long sides."""
    return image.filter(ImageFilter.GaussianBlur(deviation * max(image.size)))


def noisy(image: Image.Image, levels: float, seed: int) -> Image.Image:
    """Return the picture with noise on every value, of a standard deviation in `levels`."""
    values = np.asarray(image, np.float32)
    noise = np.random.default_rng(seed).standard_normal(values.shape, np.float32)
    return Image.fromarray(np.clip(np.rint(values + levels * noise), 0, 255).astype(np.uint8))


def pixelated(image: Image.Image, side: float) -> Image.Image:
    """Return the picture in coarse square pixels; `side` in long sides."""
    pixel = max(2.0, side * max(image.size))
    across, down = (max(1, round(length / pixel)) for length in image.size)
    coarse = image.resize((across, down), Image.Resampling.BOX)
    return coarse.resize(image.size, Image.Resampling.NEAREST)


JPEG = Change(lambda rng: {"quality": int(rng.integers(10, 41))}, in_place(compressed))
BLUR = Change(lambda rng: {"deviation": rng.between(0.004, 0.01)}, in_place(blurred))
NOISE = Change(lambda rng: {"levels": rng.between(8, 24), "seed": rng.seed()}, in_place(noisy))
PIXELATE = Change(lambda rng: {"side": rng.between(0.008, 0.025)}, in_place(pixelated))
