"""Rows and hits of an index as a page is told of them."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from tvcli.core.files.fields import as_json
from tvcli.core.files.paths import shown_path
from tvcli.core.images.photo import BadImage
from tvcli.core.searching.hits import Hit
from tvcli.serve.answers import Refused
from tvcli.serve.finder import Finder


def shown_rows(finder: Finder, rows: list[int]) -> list[dict[str, Any]]:
    """Return what a page shows of some rows."""
    known = finder.index.columns(np.array(rows, np.intp)) if rows else {}
    shown = []
    for place, row in enumerate(rows):
        box = known["box"][place]
        item = _shown(finder, row, None if np.isnan(box).any() else [float(side) for side in box])
        item |= {"fields": as_json(known["fields"][place])}
        shown.append(item | ({"label": known["label"][place]} if known["label"][place] else {}))
    return shown


def shown_hits(finder: Finder, hits: list[Hit]) -> list[dict[str, Any]]:
    """Return hits as `tv search` writes them, with what a page needs besides.

    Their fields stand apart: a field may have the name of what a page needs.
    """
    return [
        replace(hit, fields={}).as_record()
        | _shown(finder, hit.row, list(hit.region) if hit.region else None)
        | {"fields": as_json(hit.fields)}
        for hit in hits
    ]


def shown_photo(finder: Finder, row: int) -> dict[str, Any]:
    """Return what a page shows of one row, with the photo's size, or why it cannot be shown."""
    item = shown_rows(finder, [row])[0] | _size(finder, row)
    return item | {"facts": _facts(finder, row, item)}


def _facts(finder: Finder, row: int, item: dict[str, Any]) -> dict[str, str]:
    """Return what else the index and the file system know of a row, in words."""
    known = finder.index.columns(np.array([row], np.intp))
    facts = {name: known[name][0] for name in ("split", "target") if known.get(name)}
    region = [float(side) for side in known["region"][0]]
    if region != [0, 0, item.get("width"), item.get("height")]:
        facts["encoded"] = ", ".join(f"{side:g}" for side in region)
    facts |= {"mirrored": "yes"} if known["flip"][0] else {}
    with suppress(OSError, Refused):
        status = finder.collection.path(row).stat()
        changed = datetime.fromtimestamp(status.st_mtime).astimezone()
        facts["file"] = f"{status.st_size:,} bytes, {changed:%Y-%m-%d %H:%M}"
    return facts


def _shown(finder: Finder, row: int, box: list[float] | None) -> dict[str, Any]:
    name = finder.index.images[row]
    image = shown_path(finder.index.root, name)
    item: dict[str, Any] = {"row": row, "key": finder.key_of(row), "image": image}
    item["name"] = name[finder.above :].encode("utf-8", "replace").decode()
    if box is not None:
        item |= {"box": box, **_size(finder, row)}
    return item


def _size(finder: Finder, row: int) -> dict[str, Any]:
    try:
        width, height = finder.collection.size(row)
    except (BadImage, Refused) as error:
        return {"unreadable": str(error)}
    return {"width": width, "height": height}
