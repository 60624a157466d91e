"""Which format annotations seem to be in: for a hint, where they are not in the one asked for."""

import re
from pathlib import Path

SEEN = 65_536  # bytes of a file's beginning, and of its end, that are looked at
MARKS = {
    "via": re.compile(rb'"(_via_\w+|shape_attributes)"\s*:'),
    "labelme": re.compile(rb'"shapes"\s*:'),
    "coco": re.compile(rb'"(annotations|categories)"\s*:'),
    "cvat": re.compile(rb"<annotations\b"),
    "voc": re.compile(rb"<annotation\b"),
}


def likely_format(path: Path) -> str | None:
    """Return the name of a foreign format that a file, or a folder of files, seems to be in."""
    if path.is_file():
        return _format_of(path)
    files = sorted(path.rglob("*")) if path.is_dir() else []
    kinds = [_format_of(file) for file in files if file.suffix in (".json", ".xml")][:1]
    return kinds[0] if kinds else "yolo" if any(file.suffix == ".txt" for file in files) else None


def _format_of(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            seen = stream.read(SEEN)
            stream.seek(max(file.stat().st_size - SEEN, 0))
            seen += stream.read(SEEN)
    except OSError:  # why it cannot be read is said already
        return None
    return next((name for name, mark in MARKS.items() if mark.search(seen)), None)
