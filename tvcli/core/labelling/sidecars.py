"""Labels written beside the photos, where photo managers read them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import shown_path
from tvcli.core.files.xmp_sidecar import add_subjects
from tvcli.core.labelling.labelled import Labelled
from tvcli.core.reports import Report


class Sidecars:
    """Writes labels into XMP sidecars of the photos below some `folders`, and counts them.

    Records may be anyone's: beside a photo that one of them names elsewhere, nothing is written.
    """

    def __init__(self, folders: Sequence[Path], report: Report) -> None:
        self._folders = [Path(os.path.realpath(folder)) for folder in folders]
        self._report = report
        self.count = 0  # of sidecars that were written

    def written(self, labelled: Iterable[Labelled]) -> Iterator[Labelled]:
        """Pass labels on, once those of a photo are in its sidecar; what fails is skipped."""
        for image, group in groupby(labelled, key=lambda one: one.image):
            some = list(group)
            labels = [one.label for one in some if one.label]
            if labels:
                self._write(image, labels)
            yield from some

    def _write(self, image: str, labels: list[str]) -> None:
        shown = shown_path(Path(), image)
        folder = Path(os.path.realpath(os.path.dirname(image)))  # noqa: PTH120 - links stay
        if image == "-" or not any(folder.is_relative_to(known) for known in self._folders):
            reason = "no sidecar: it is in none of the folders named; name its folder with --allow"
            self._report.skip(shown, "xmp", reason)
            return
        try:
            self.count += add_subjects(Path(image), labels)
        except BadInput as error:
            self._report.skip(shown, "xmp", str(error))
        except OSError as error:
            self._report.skip(shown, "xmp", f"no sidecar: {error.strerror}")
