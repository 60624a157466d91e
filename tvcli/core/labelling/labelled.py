"""What is said of a photo, or of an object in it: its label, and how far to trust it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvcli.core.boxes import Box, in_record
from tvcli.core.files.records import Record


@dataclass(frozen=True, slots=True)
class Labelled:
    """A photo, or an object in it, with the label that its neighbours voted for.

    `image` is an absolute path, or `-`. `label` is empty where it is less probable than the
    cut-off; `candidate` is the label that got most votes all the same. `similarity` is that to
    `nearest`, the most similar photo that voted for it.
    """

    image: str
    box: Box | None
    label: str
    candidate: str
    probability: float
    similarity: float
    nearest: str
    position: int
    fields: dict[str, Any]

    def as_record(self, base: Path) -> Record:
        """Return it as a record whose paths are relative to a folder; no label is null."""
        record: Record = {"image": _below(self.image, base)}
        if self.box is not None:
            record["box"] = in_record(self.box)
        record |= {"label": self.label or None, "probability": round(self.probability, 4)}
        if not self.label and self.candidate:
            record["candidate"] = self.candidate
        if self.candidate:
            record["similarity"] = round(self.similarity, 4)
            record["nearest"] = _below(self.nearest, base)
        return record | self.fields


def _below(path: str, base: Path) -> str:
    return path if path == "-" else os.path.relpath(path, base)
