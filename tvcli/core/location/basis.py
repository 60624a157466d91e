"""What a training and its figures rest on: crops, and the photos that they are of."""

from dataclasses import asdict, dataclass
from typing import Any

from tvcli.core.reports import number_of

LEAST_PHOTOS = 10  # to learn from, and five to measure on: of fewer, figures are chance
LEAST_HELD_OUT = 5
WEAK = 0.65  # accuracy as of heads that learned from boxes half of which were wrong (docs/notes)


@dataclass(frozen=True, slots=True)
class Basis:
    """How many crops, of how many photos, were learned from and held out."""

    crops: int
    photos: int
    held_out_crops: int
    held_out_photos: int

    @property
    def is_measured(self) -> bool:
        """Whether any figure tells of photos that were not learned from."""
        return self.held_out_photos > 0

    def as_settings(self) -> dict[str, Any]:
        """Return it as a head's settings hold it."""
        return asdict(self)

    def said(self) -> str:
        """Return it as a person reads it."""
        crops, photos = number_of(self.crops, "crop"), number_of(self.photos, "photo")
        learned = f"learned from {crops} of {photos}"
        if not self.is_measured:
            return f"{learned}; not measured: no photo was held out (tv crops --test)"
        crops = number_of(self.held_out_crops, "crop")
        return f"{learned}; measured on {crops} of {number_of(self.held_out_photos, 'other')}"

    def warnings(self) -> list[str]:
        """Return what is too little, in words."""
        found = []
        if self.photos < LEAST_PHOTOS:
            found.append(
                f"warning: too few photos to learn from ({self.photos}): annotate at least "
                f"{LEAST_PHOTOS}, better 50"
            )
        if 0 < self.held_out_photos < LEAST_HELD_OUT:
            found.append(
                f"warning: too few held-out photos to measure on ({self.held_out_photos}): the "
                f"figures are largely chance below {LEAST_HELD_OUT} "
                "(tv crops --test holds out more)"
            )
        return found


def weakness(settings: dict[str, Any]) -> str:
    """Return what makes a classifier weak, by its settings; empty if nothing is known to."""
    measured, basis = settings.get("quality"), settings.get("basis")
    if not isinstance(basis, dict) or not isinstance(measured, dict):
        return ""  # of an older tv
    photos, others = basis.get("photos", 0), basis.get("held_out_photos", 0)
    crops, accuracy = basis.get("held_out_crops", 0), measured.get("accuracy", 0.0)
    if not all(isinstance(number, int | float) for number in (photos, others, crops, accuracy)):
        return ""
    if photos < LEAST_PHOTOS:
        return f"it learned from {number_of(int(photos), 'photo')} only"
    if others >= LEAST_HELD_OUT and accuracy < WEAK:
        return f"its accuracy was {accuracy:.2f} on {crops} crops of {others} held-out photos"
    return ""
