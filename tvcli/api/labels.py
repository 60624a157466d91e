"""Labels: what the labelled photos of an index vote for, as a program and a notebook see it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tvcli.api.notebook import Card, cards
from tvcli.api.photos import PhotoLike
from tvcli.api.records import Readable, Results
from tvcli.api.sources import SourceLike, opened_photos
from tvcli.core.boxes import Box
from tvcli.core.files.records import Record
from tvcli.core.labelling.labelled import Labelled
from tvcli.core.labelling.labelling import Labeller, LabelSettings
from tvcli.core.reports import Report
from tvcli.core.searching.searcher import Searcher


@dataclass(frozen=True, slots=True, repr=False)
class Label(Readable):
    """The label of a photo, or of an object in it, by the vote of its neighbours.

    `label` is None where it is less probable than the cut-off; `candidate` is the label that most
    votes were for, and `probability` that it is right. `nearest` is the photo, at a cosine of
    `similarity`, that is most similar among those that voted for it.
    """

    image: str
    label: str | None
    probability: float
    box: Box | None = None
    candidate: str = ""
    similarity: float = 0.0
    nearest: Path | None = field(default=None, repr=False)

    def as_record(self) -> Record:
        """Return it as a record that `encode`, `make_crops` and `build_index` take."""
        record: Record = {"image": self.image, "label": self.label}
        record |= {} if self.box is None else {"box": list(self.box)}
        return record | {"probability": self.probability}


class Labels(Results[Label]):
    """The labels of some photos, in their order."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        shown = [
            Card(Path(one.image), (one.label or "none", f"{one.probability:.2f}"), one.box)
            for one in self
        ]
        return cards(f"{len(self)} labels", shown)


def labels_of(
    searcher: Searcher,
    photos: SourceLike | PhotoLike | Iterable[PhotoLike],
    settings: LabelSettings,
    report: Report,
) -> Labels:
    """Return the labels of photos by an index."""
    with opened_photos(photos, report) as source:
        labeller = Labeller(searcher, settings, report)
        return Labels(list(map(_label, labeller.label(source))))


def _label(found: Labelled) -> Label:
    return Label(
        found.image,
        found.label or None,
        round(found.probability, 4),
        found.box,
        found.candidate,
        round(found.similarity, 6),
        Path(found.nearest) if found.candidate else None,
    )
