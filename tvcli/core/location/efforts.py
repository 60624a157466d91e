"""How much is looked at to find an object: three points of the curve of cost against IoU.

Measured by scripts/bench/locate.py; docs/notes/location.md has the whole curve.
"""

from dataclasses import dataclass
from typing import Any, Literal

from tvcli.core.errors import Mismatch

EffortName = Literal["fast", "normal", "thorough"]
Look = tuple[tuple[float, bool], ...]  # of each view: how many sides of the box, and mirrored?


@dataclass(frozen=True, slots=True)
class Effort:
    """What is looked at of a photo.

    `scales` as in `LocateSettings`; `until_found` leaves out those after the first with a window
    that passes. `looks` come one after another.
    """

    scales: tuple[float, ...]
    until_found: bool
    looks: tuple[Look, ...]

    def looks_of(self, count: int | None) -> tuple[Look, ...]:
        """Return so many looks, the last one again and again if they are more; None: its own."""
        if count is None:
            return self.looks
        return (self.looks + self.looks[-1:] * count)[:count]


VERIFIED: Look = ((1.6, False),)  # by which an object found is verified
NAMED: Look = ((1.25, False), (1.6, False))  # by which it is named, and verified if it is named
BOTH_WAYS: Look = ((1.25, False), (1.25, True), (1.6, False), (1.6, True))

EFFORTS: dict[EffortName, Effort] = {
    "fast": Effort((0.0, 1.0), True, ()),
    "normal": Effort((0.0, 1.0, 2.0), True, (((1.4, False),),)),
    "thorough": Effort((0.0, 1.0, 2.0), False, (BOTH_WAYS, BOTH_WAYS)),
}


def effort_of(settings: dict[str, Any]) -> EffortName:
    """Return the effort that an index records, `normal` where it records none; raises Mismatch."""
    name: Any = settings.get("effort", "normal")
    if not isinstance(name, str) or name not in EFFORTS:
        raise Mismatch(f"located with the effort {name!r:.40}: upgrade tvcli, or index again")
    effort: EffortName = name
    return effort
