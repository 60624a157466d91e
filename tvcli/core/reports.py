"""How core tells whoever listens what it is doing, without printing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from tvcli.core.errors import BadInput

Total = int | None | Callable[[], int | None]


@dataclass(frozen=True, slots=True)
class Skip:
    """A photo that was left out: which, at which stage, and why."""

    image: str
    stage: str
    reason: str

    def as_record(self) -> dict[str, str]:
        """Return the record that `--errors` writes."""
        return asdict(self)


KEPT = 1000  # photos skipped that a report remembers


class Report:
    """Counts what is done and what is skipped; the terminal shows it, tests read it.

    `skipped` are the first `KEPT` of the photos skipped and the last one; `skips` counts all.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.done = 0
        self.skips = 0
        self.skipped: list[Skip] = []

    def start(self, what: str, unit: str, total: Total = None) -> None:
        """Begin a stage of `total` steps, counted in some unit (None: not known).

        A function is asked for the total only where somebody is looking.
        """

    def advance(self, steps: int = 1) -> None:
        """Count `steps` more as done."""
        self.done += steps

    def note(self, message: str) -> None:
        """Say something worth a line."""

    def detail(self, message: str) -> None:
        """Say something that only whoever looks closely wants to know."""

    def skip(self, image: str, stage: str, reason: str) -> None:
        """Leave a photo out; when strict the first one is an error (`BadInput`)."""
        self.skips += 1
        self.skipped[KEPT:] = [Skip(image, stage, reason)]
        if self.strict:
            raise BadInput(f"{image}: {reason} (--strict stops at the first bad photo)")

    def unreadable(self, folder: str, reason: str) -> None:
        """Leave a folder out."""
        self.skip(folder, "walk", reason)
