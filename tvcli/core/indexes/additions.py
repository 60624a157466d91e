"""What an index has besides the vectors of photos, and what is lost where one is made anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tvcli.core.errors import TvError
from tvcli.core.images.exif import EXIF_FIELDS
from tvcli.core.indexes.index import open_index
from tvcli.core.indexes.manifest import REMOTE, read_manifest
from tvcli.core.ranking.calibration import CALIBRATION
from tvcli.core.reports import Report

SETS_FIELDS = "--fields FILE"
# By the setting that tells of it: what it is, and what brings it into an index.
BROUGHT_BY = {
    "rank": ("a rank head", "--rank"),
    "maps": ("dense maps", "--maps"),
    "classifier": ("heads that find the object", "--classifier and --boxes"),
    "keypoints": ("key points", "--keypoints"),
    CALIBRATION: ("a calibration", "tv eval search --calibrate"),
    "exif": ("fields of EXIF", "--exif"),
}


@contextmanager
def losses_told(path: Path, report: Report, *, fields: bool = True) -> Iterator[None]:
    """Tell, once an index is made in the block, what the one that was there had and it lacks.

    Of `fields` that are set only afterwards nothing is told.
    """
    before = _additions(path)
    yield
    after = _additions(path) if before else {}
    lost: dict[str, list[str]] = {}
    for what, how in before.items():
        if what not in after and (fields or how != SETS_FIELDS):
            lost.setdefault(how, []).append(what)
    if lost:
        told = ", ".join(f"{', '.join(what)} ({how})" for how, what in lost.items())
        report.note(
            f"warning: {path} was made anew and lacks what it had before: {told}; "
            f"tv index --update keeps what an index has"
        )


def _additions(path: Path) -> dict[str, str]:
    """Return what an index has, each with what brings it; {} where none can be read.

    A database is not asked for the fields of rows.
    """
    try:
        manifest = read_manifest(path)
        settings = manifest.settings
        found = dict(BROUGHT_BY[key] for key in BROUGHT_BY if settings.get(key))
        if manifest.engine == REMOTE:
            return found
        with open_index(path) as index:
            known = EXIF_FIELDS if settings.get("exif") else ()
            names = [name for name in index.store.field_types if name not in known]
            fields = {f"the field {name}": SETS_FIELDS for name in names}
            labels = {"labels": "records that have them"} if any(index.labels) else {}
            return found | fields | labels
    except (TvError, OSError):
        return {}
