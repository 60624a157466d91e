"""How core tells whoever listens what it is doing, without printing."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tvcli.core.errors import BadInput, NothingUsable

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
NAMED = 3  # arguments named where no photos were found in them


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

    def remark(self, message: str) -> None:
        """Say something of one of many photos, which is used all the same."""
        self.note(message)

    def detail(self, message: str) -> None:
        """Say something that only whoever looks closely wants to know."""

    def skip(self, image: str, stage: str, reason: str) -> None:
        """Leave a photo out; when strict the first one is an error (`BadInput`)."""
        self.skips += 1
        self.skipped[KEPT:] = [Skip(image, stage, reason)]
        if self.strict:
            raise BadInput(f"{image}: {reason} (--strict stops at the first bad photo)")

    def skip_all(self, skips: Iterable[Skip]) -> None:
        """Leave out what somebody else found to be of no use, in order, as `skip` does."""
        for skip in skips:
            self.skip(skip.image, skip.stage, skip.reason)

    def unreadable(self, folder: str, reason: str) -> None:
        """Leave a folder out."""
        self.skip(folder, "walk", reason)

    def empty_folder(self, folder: str) -> None:
        """Say that a folder, named beside others, has no photos."""
        self.note(f"{folder}: no photos in this folder")

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


def nothing_found(report: Report, named: Sequence[str] = (), hint: str = "") -> BadInput:
    """Return the error for a command line whose arguments named no photo of use."""
    if report.skipped:
        first = report.skipped[0]
        reason = f"{first.image}: {first.reason}"
        if report.skips == 1:
            return NothingUsable(reason + hint, f"no photo could be used{hint}")
        none = f"none of {report.skips} photos could be used"
        return NothingUsable(f"{none}; {reason}{hint}", none + hint)
    where = f" in {_listed(named)}" if named else ""
    if report.left_out:
        left_out = report.left_out_text()
        return BadInput(
            f"no photos found{where} that can be read: {left_out}; convert them to JPEG"
        )
    return BadInput(f"no photos found{where}: name photos, folders of photos, or a list of them")


def _listed(named: Sequence[str]) -> str:
    """Return some names in a line, the first of many."""
    names = ["standard input" if name == "-" else name for name in named[:NAMED]]
    more = [number_of(len(named) - NAMED, "other")] if len(named) > NAMED else []
    *most, last = names + more
    return f"{', '.join(most)} and {last}" if most else last
