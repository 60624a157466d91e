"""Pictures that come with another: pasted into it, or side by side with it."""

from PIL import Image, ImageOps

from tvcli.core.images.copies.change import Change, Colour, Copy, Parameters, Rng
from tvcli.core.images.copies.geometric import scaled
from tvcli.core.images.copies.grounds import GROUNDS, drawn_picture
from tvcli.core.images.copies.transforms import shift


def draw_pasted(rng: Rng) -> Parameters:
    """Return the share of the other's sides that the picture keeps to, 0.3 to 0.7; its place."""
    return {
        "share": rng.between(0.3, 0.7),
        "left": rng.between(0, 1),
        "top": rng.between(0, 1),
        "ground": rng.one_of(GROUNDS),
        "colour": rng.colour(),
        "seed": rng.seed(),
    }


def pasted(
    image: Image.Image,
    other: Image.Image | None,
    share: float,
    left: float,
    top: float,
    ground: str,
    colour: Colour,
    seed: int,
) -> Copy:
    """Return another picture with this one in it; without another, on a drawn ground."""
    page = other or drawn_picture(ground, colour, image.size, seed)
    scale = share * min(page.width / image.width, page.height / image.height)
    small = scaled(image, scale)
    x = round(left * max(0, page.width - small.image.width))
    y = round(top * max(0, page.height - small.image.height))
    copy = page.copy()
    copy.paste(small.image, (x, y))
    return Copy(copy, shift(x, y) @ small.transform)


def draw_beside(rng: Rng) -> Parameters:
    """Return the way two pictures are put together, which comes first, and the gap between."""
    return {
        "across": bool(rng.integers(2)),
        "first": bool(rng.integers(2)),
        "gap": rng.between(0, 0.03),
        "ground": rng.one_of(GROUNDS),
        "colour": rng.colour(),
        "seed": rng.seed(),
    }


def beside(
    image: Image.Image,
    other: Image.Image | None,
    across: bool,
    first: bool,
    gap: float,
    ground: str,
    colour: Colour,
    seed: int,
) -> Copy:
    """Return two pictures in one, `across` from left to right, else one above the other.

    The other is brought to the height, or the width, of this one, and cut to between half and
    twice its length.
    """
    mate = other or drawn_picture(ground, colour, image.size, seed)
    space = round(gap * max(image.size))
    side = image.width if across else image.height  # along which the two lie
    whole = (
        mate.width * image.height / mate.height
        if across
        else mate.height * image.width / mate.width
    )
    length = round(min(max(whole, side / 2, 1), 2 * side))
    mate = ImageOps.fit(mate, (length, image.height) if across else (image.width, length))
    size = (side + space + length, image.height) if across else (image.width, side + space + length)
    own, its = (0, side + space) if first else (length + space, 0)
    copy = Image.new("RGB", size, tuple(colour))
    copy.paste(image, (own, 0) if across else (0, own))
    copy.paste(mate, (its, 0) if across else (0, its))
    return Copy(copy, shift(own, 0) if across else shift(0, own))


PASTED = Change(draw_pasted, pasted, uses_other=True)
BESIDE = Change(draw_beside, beside, uses_other=True)
