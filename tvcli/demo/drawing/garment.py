"""What a garment is: the attributes that a search should find, and the cloth it is made of."""

from dataclasses import dataclass

from numpy.random import Generator

from tvcli.demo.drawing.colour import CLOTH
from tvcli.demo.drawing.pattern import PATTERNS, Print, choose_print

KINDS = ("dress", "skirt", "shirt", "t-shirt", "coat", "trousers")

SILHOUETTES = {
    "dress": ("sheath", "shift", "a-line", "full", "empire", "mermaid"),
    "skirt": ("pencil", "a-line", "full", "pleated"),
    "shirt": ("fitted", "straight", "boxy"),
    "t-shirt": ("fitted", "straight", "boxy"),
    "coat": ("straight", "a-line", "belted", "cocoon"),
    "trousers": ("skinny", "straight", "wide", "flared"),
}
LENGTHS = {
    "dress": ("mini", "knee", "midi", "maxi"),
    "skirt": ("mini", "knee", "midi", "maxi"),
    "shirt": ("waist", "hip", "tunic"),
    "t-shirt": ("cropped", "waist", "hip"),
    "coat": ("hip", "knee", "calf"),
    "trousers": ("shorts", "cropped", "full"),
}
NECKLINES = {
    "dress": ("round", "v", "boat", "square", "scoop", "strapless", "straps"),
    "skirt": ("none",),
    "shirt": ("collar", "band", "open collar"),
    "t-shirt": ("round", "v", "boat", "scoop"),
    "coat": ("lapels", "wide lapels", "stand"),
    "trousers": ("none",),
}
SLEEVES = {
    "dress": ("sleeveless", "sleeveless", "cap", "short", "puff", "long", "bell"),
    "skirt": ("none",),
    "shirt": ("short", "three-quarter", "long", "long", "bell"),
    "t-shirt": ("cap", "short", "short", "long"),
    "coat": ("long", "long", "bell", "three-quarter"),
    "trousers": ("none",),
}
# Coats and trousers are mostly plain, as in a shop; the others are as often printed.
PLAIN_SHARE = {"coat": 0.6, "trousers": 0.6}


@dataclass(frozen=True)
class Garment:
    """One garment: its attributes, its cloth, and the small differences of its cut.

    ease is its width against the pattern book's, fall the number of its folds against the usual.
    """

    name: str
    kind: str
    silhouette: str
    length: str
    neckline: str
    sleeves: str
    colour: str
    cloth: Print
    ease: float
    fall: float

    @property
    def attributes(self) -> dict[str, str]:
        """The garment's truth, as a record holds it."""
        return {
            "garment": self.name,
            "silhouette": self.silhouette,
            "length": self.length,
            "neckline": self.neckline,
            "sleeves": self.sleeves,
            "pattern": self.cloth.pattern,
            "colour": self.colour,
        }


def design(rng: Generator, kind: str, name: str) -> Garment:
    """A garment of that kind with everything else drawn from rng."""
    silhouette, length, neckline, sleeves = (
        str(rng.choice(book[kind])) for book in (SILHOUETTES, LENGTHS, NECKLINES, SLEEVES)
    )
    if silhouette == "mermaid":  # it needs room below the knee
        length = "maxi" if length in ("mini", "maxi") else "midi"
    if neckline in ("strapless", "straps"):
        sleeves = "sleeveless"
    plain = rng.random() < PLAIN_SHARE.get(kind, 0.25)
    pattern = "plain" if plain else str(rng.choice(PATTERNS[1:]))
    colour = str(rng.choice(list(CLOTH)))
    cloth = choose_print(rng, pattern, colour)
    return Garment(
        name, kind, silhouette, length, neckline, sleeves, colour, cloth,
        ease=rng.uniform(0.96, 1.06), fall=rng.uniform(0.8, 1.25),
    )  # fmt: skip
