"""All changes by name, drawn anew for every photo, seed and number."""

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tvcli.core.errors import UsageError
from tvcli.core.images.copies import geometric, look, quality
from tvcli.core.images.copies.change import Change, Rng

CHANGES: dict[str, Change] = {
    "scale": geometric.SCALE,
    "crop": geometric.CROP,
    "rotation": geometric.ROTATION,
    "mirror": geometric.MIRROR,
    "jpeg": quality.JPEG,
    "blur": quality.BLUR,
    "noise": quality.NOISE,
    "brightness": look.BRIGHTNESS,
    "colour": look.COLOUR,
    "text": look.TEXT,
    "frame": look.FRAME,
}


def changed(image: Image.Image, kind: str, seed: int, name: str) -> Image.Image:
    """Return a changed copy; the same for the same picture, kind, seed and name."""
    return CHANGES[kind](image, rng_of(kind, seed, name))


def rng_of(kind: str, seed: int, name: str) -> Rng:
    """Return what a copy's parameters are drawn from."""
    return np.random.default_rng(int(code_of(f"{seed}/{kind}/{name}")[:16], 16))


def code_of(text: str) -> str:
    """Return 64 hexadecimal digits by which something named so is drawn, or told apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def kinds_named(names: Sequence[str]) -> list[str]:
    """Return the kinds named, each once, all where none is; commas separate names too.

    Raises:
        UsageError: there is no such change.
    """
    wanted = [name.strip() for part in names for name in part.split(",") if name.strip()]
    for name in wanted:
        if name not in CHANGES:
            raise UsageError(f"--kinds {name}: no such change; there are {', '.join(CHANGES)}")
    return list(dict.fromkeys(wanted)) or list(CHANGES)


def kinds_for(name: str, kinds: Sequence[str], count: int, seed: int) -> list[str]:
    """Return the kinds of a photo's copies: they take turns, from another one on for each photo."""
    first = int(code_of(f"{seed}/{name}")[:8], 16)
    return [kinds[(first + number) % len(kinds)] for number in range(count)]
