"""What a reader is given: a good file to start from, its name, the folder it is part of."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Input:
    """The name that a file must have to be read, and a good one to start from.

    The file may be one of a folder (`inside`): then the folder is copied, and read.
    """

    name: str
    source: Path
    inside: Path | None = None

    @property
    def good(self) -> bytes:
        """The content of the good file."""
        return self.source.read_bytes()
