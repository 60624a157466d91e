"""Several changes, one after another."""

from collections.abc import Mapping, Sequence
from functools import partial

from PIL import Image

from tvcli.core.images.copies.change import Change, Copy, Parameters, Rng
from tvcli.core.images.copies.transforms import IDENTITY

FEWEST, MOST = 2, 4  # of the stages below
STAGES = (  # in the order in which they happen to pictures on their way
    ("crop", "mirror", "rotation"),
    ("brightness", "colour", "hue", "sepia", "posterise"),
    ("text", "emoji", "logo"),
    ("frame", "pasted", "beside", "feed"),
    ("print", "screen"),
    ("scale", "blur", "noise", "pixelate"),
    ("jpeg",),
)


def chain(known: Mapping[str, Change], kinds: Sequence[str]) -> Change:
    """Return the change that makes several, by their names, in that order."""
    uses_other = any(known[kind].uses_other for kind in kinds)
    return Change(
        lambda rng: _drawn(known, kinds, rng), partial(_applied, known), uses_other=uses_other
    )


def drawn_chain(known: Mapping[str, Change]) -> Change:
    """Return the change that makes two to four, one of each of some stages, drawn."""
    return Change(
        lambda rng: _drawn(known, _kinds(rng), rng), partial(_applied, known), uses_other=True
    )


def _kinds(rng: Rng) -> list[str]:
    count = int(rng.integers(FEWEST, MOST + 1))
    stages = sorted(rng.choice(len(STAGES), count, replace=False).tolist())
    return [STAGES[stage][int(rng.integers(len(STAGES[stage])))] for stage in stages]


def _drawn(known: Mapping[str, Change], kinds: Sequence[str], rng: Rng) -> Parameters:
    return {"changes": [{"kind": kind} | known[kind].draw(rng) for kind in kinds]}


def _applied(
    known: Mapping[str, Change],
    image: Image.Image,
    changes: list[Parameters],
    other: Image.Image | None = None,
) -> Copy:
    copy = Copy(image, IDENTITY)
    for one in changes:
        parameters = {name: value for name, value in one.items() if name != "kind"}
        after = known[one["kind"]].copy(copy.image, parameters, other)
        copy = Copy(after.image, after.transform @ copy.transform)
    return copy
