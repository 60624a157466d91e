"""Changes of where things are: scale, crop, rotation, mirroring."""

import math

from PIL import Image, ImageOps

from tvcli.core.images.copies.change import Change, Colour, Copy, Parameters, Rng
from tvcli.core.images.copies.transforms import scaling, shift, turn

SMALLEST = 16  # pixels of a side that are left whatever the scale
LEAST_KEPT = 0.5  # of the area: a turn that would cut away more gets coloured corners instead
QUARTERS = 0.25  # of the rotations that are by 90, 180 or 270 degrees, as of cameras and scanners


def draw_scale(rng: Rng) -> Parameters:
    """Return a factor of 0.25 to 2, as often below 0.7 as above."""
    return {"scale": round(math.exp(rng.uniform(math.log(0.25), math.log(2))), 4)}


def scaled(image: Image.Image, scale: float) -> Copy:
    """Return the picture at another size."""
    width, height = (max(SMALLEST, round(side * scale)) for side in image.size)
    copy = image.resize((width, height), Image.Resampling.BICUBIC)
    return Copy(copy, scaling(width / image.width, height / image.height))


def draw_crop(rng: Rng) -> Parameters:
    """Return how much of the width and the height is kept, together half of the area or more."""
    area = rng.uniform(0.5, 0.95)
    across = rng.between(area, 1)
    return {
        "across": across,
        "down": round(float(area) / across, 4),
        "left": rng.between(0, 1),
        "top": rng.between(0, 1),
    }


def cropped(image: Image.Image, across: float, down: float, left: float, top: float) -> Copy:
    """Return a part of the picture; `left`, `top` are shares of what is cut away."""
    width, height = max(1, round(image.width * across)), max(1, round(image.height * down))
    x, y = round((image.width - width) * left), round((image.height - height) * top)
    return Copy(image.crop((x, y, x + width, y + height)), shift(-x, -y))


def draw_rotation(rng: Rng) -> Parameters:
    """Return any angle, and whether the corners that come up empty are cut off or coloured."""
    quarter = rng.uniform() < QUARTERS
    angle = float(rng.choice([90, 180, 270])) if quarter else rng.between(-180, 180)
    return {"degrees": angle, "cut": bool(rng.integers(2)), "colour": rng.colour()}


def rotated(image: Image.Image, degrees: float, cut: bool, colour: Colour) -> Copy:
    """Return the picture turned anticlockwise; cut to what is full if that is half or more."""
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=tuple(colour))
    middle = shift(turned.width / 2, turned.height / 2)
    transform = middle @ turn(degrees) @ shift(-image.width / 2, -image.height / 2)
    width, height = largest_upright(image.width, image.height, math.radians(degrees))
    if not cut or width * height < LEAST_KEPT * image.width * image.height:
        return Copy(turned, transform)
    left, top = (turned.width - width) / 2, (turned.height - height) / 2
    box = math.ceil(left), math.ceil(top), math.floor(left + width), math.floor(top + height)
    if box[0] >= box[2] or box[1] >= box[3]:  # of a pixel or two nothing would be left
        return Copy(turned, transform)
    return Copy(turned.crop(box), shift(-box[0], -box[1]) @ transform)


def largest_upright(width: float, height: float, angle: float) -> tuple[float, float]:
    """Return the sides of the largest upright rectangle inside one turned by `angle` radians."""
    sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
    long, short = max(width, height), min(width, height)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:
        half = short / 2  # two corners of it lie on a long side
        across, down = half / max(sine, 1e-9), half / max(cosine, 1e-9)
        return (across, down) if width >= height else (down, across)
    spread = cosine**2 - sine**2
    return (
        (width * cosine - height * sine) / spread,
        (height * cosine - width * sine) / spread,
    )


def mirrored(image: Image.Image) -> Copy:
    """Return the mirror image."""
    return Copy(ImageOps.mirror(image), shift(image.width, 0) @ scaling(-1, 1))


SCALE = Change(draw_scale, scaled)
CROP = Change(draw_crop, cropped)
ROTATION = Change(draw_rotation, rotated)
MIRROR = Change(lambda rng: {}, mirrored)
