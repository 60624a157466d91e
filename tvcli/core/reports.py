"""How core tells whoever listens what it is doing, without printing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

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


# What to install for pictures that are left out without it, and the endings of their names.
READ_BY = {
    "pillow-heif": (".heic", ".heif", ".hif"),  # what iPhones write
    "'tvcli[jxl]'": (".jxl",),
    "'tvcli[raw]'": (  # of cameras
        *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2"),
        *(".rwl", ".raf", ".pef", ".srw", ".x3f", ".3fr", ".fff", ".iiq", ".erf", ".kdc", ".dcr"),
        *(".mrw", ".mef", ".mos"),
    ),
}
INSTALL = {suffix: wanted for wanted, endings in READ_BY.items() for suffix in endings}

KEPT = 1000  # photos skipped that a report remembers


class Report:
    """Counts what is done and what is skipped; the terminal shows it, tests read it.

    `skipped` are the first `KEPT` of the photos skipped and the last one; `skips` counts all.
    `left_out` counts the pictures in folders that are of no kind that is read, by suffix.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.done = 0
        self.skips = 0
        self.skipped: list[Skip] = []
        self.left_out: Counter[str] = Counter()
        self._noted: set[str] = set()

    def start(self, what: str, unit: str, total: Total = None) -> None:
        """Begin a stage of `total` steps, counted in some unit (None: not known).

        A function is asked for the total only where somebody is looking.
        """

    def advance(self, steps: int = 1) -> None:
        """Count `steps` more as done."""
        self.done += steps

    def note(self, message: str) -> None:
        """Say something worth a line."""

    def note_once(self, message: str) -> None:
        """Say something worth a line, however often it comes up."""
        if message not in self._noted:
            self._noted.add(message)
            self.note(message)

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

    def leave_out(self, image: str) -> None:
        """Count a picture of a kind that is not read."""
        self.left_out[Path(image).suffix.lower()] += 1

    def left_out_text(self) -> str:
        """Return how many pictures of what kinds were left out, or nothing."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.left_out.items()))
        missing = sorted({INSTALL[kind] for kind in self.left_out if kind in INSTALL})
        how = f" (pip install {' '.join(missing)})" if missing else ""
        return f"{kinds} left out{how}" if kinds else ""


def unheard(*_: str) -> None:
    """Say nothing: what takes messages where nobody listens."""


def number_of(count: int, noun: str, plural: str = "") -> str:
    """Return how many of something there are, in words: `1 photo`, `2 photos`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def nothing_found(report: Report) -> str:
    """Return the message for a command line that named no photo of use."""
    if not report.skipped and report.left_out:
        return f"no photos found that can be read: {report.left_out_text()}; convert them to JPEG"
    if not report.skipped:
        return "no photos found: name photos, folders of photos, or a list of them"
    first = report.skipped[0]
    return f"none of {report.skips} photos could be used; {first.image}: {first.reason}"
