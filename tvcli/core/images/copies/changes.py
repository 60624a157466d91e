"""All changes by name, drawn anew for every photo, seed and number."""

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tvcli.core.errors import UsageError
from tvcli.core.images.copies import (
    composed,
    feed,
    geometric,
    look,
    overlays,
    photographed,
    quality,
)
from tvcli.core.images.copies.change import Change, Copy, Parameters, Rng
from tvcli.core.images.copies.several import chain, drawn_chain

JOINS = "+"  # the names of changes that follow one another
MOST_JOINED = 8

ONE_BY_ONE: dict[str, Change] = {
    "scale": geometric.SCALE,
    "crop": geometric.CROP,
    "rotation": geometric.ROTATION,
    "mirror": geometric.MIRROR,
    "jpeg": quality.JPEG,
    "blur": quality.BLUR,
    "noise": quality.NOISE,
    "brightness": look.BRIGHTNESS,
    "colour": look.COLOUR,
    "text": overlays.TEXT,
    "frame": overlays.FRAME,
    "hue": look.HUE,
    "sepia": look.BROWN,
    "posterise": look.POSTERISE,
    "pixelate": quality.PIXELATE,
    "emoji": overlays.EMOJI_ON_IT,
    "logo": overlays.LOGO,
    "pasted": composed.PASTED,
    "beside": composed.BESIDE,
    "feed": feed.FEED,
    "screen": photographed.SCREEN,
    "print": photographed.PRINT,
}
CHANGES = ONE_BY_ONE | {"several": drawn_chain(ONE_BY_ONE)}
PLAIN_KINDS = tuple(ONE_BY_ONE)[:11]  # up to frame: one picture, seen nearly as it was


def change_named(kind: str) -> Change:
    """Return a change of `CHANGES`, or several joined by +, such as `crop+jpeg`."""
    return chain(CHANGES, kind.split(JOINS)) if JOINS in kind else CHANGES[kind]


def changed_copy(
    image: Image.Image, kind: str, seed: int, name: str, other: Image.Image | None = None
) -> tuple[Copy, Parameters]:
    """Return a changed copy and how it was changed; the same for the same of everything given.

    `other` is what the picture is pasted into, or seen beside; None: that is drawn.
    """
    change = change_named(kind)
    parameters = change.draw(rng_of(kind, seed, name))
    return change.copy(image, parameters, other), parameters


def changed(image: Image.Image, kind: str, seed: int, name: str) -> Image.Image:
    """Return a changed copy; the same for the same picture, kind, seed and name."""
    return changed_copy(image, kind, seed, name)[0].image


def rng_of(kind: str, seed: int, name: str) -> Rng:
    """Return what a copy's parameters are drawn from."""
    return Rng(np.random.PCG64(int(code_of(f"{seed}/{kind}/{name}")[:16], 16)))


def code_of(text: str) -> str:
    """Return 64 hexadecimal digits by which something named so is drawn, or told apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def kinds_named(names: Sequence[str]) -> list[str]:
    """Return the kinds named, each once, all where none is; commas separate names too.

    Kinds joined by + are made one after another.

    Raises:
        UsageError: there is no such change.
    """
    wanted = [name.strip() for part in names for name in part.split(",") if name.strip()]
    for name in wanted:
        parts = name.split(JOINS)
        if not set(parts) <= set(CHANGES):
            raise UsageError(f"--kinds {name}: no such change; there are {', '.join(CHANGES)}")
        if len(parts) > MOST_JOINED:
            raise UsageError(f"--kinds {name}: more than {MOST_JOINED} changes joined")
    return list(dict.fromkeys(wanted)) or list(CHANGES)


def kinds_for(name: str, kinds: Sequence[str], count: int, seed: int) -> list[str]:
    """Return the kinds of a photo's copies: they take turns, from another one on for each photo."""
    first = int(code_of(f"{seed}/{name}")[:8], 16)
    return [kinds[(first + number) % len(kinds)] for number in range(count)]
