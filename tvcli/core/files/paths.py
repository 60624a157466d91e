"""Where an artifact's photos lie: recorded so that both can be moved together."""

import os
from pathlib import Path
from typing import Any


def root_settings(root: Path, target: Path) -> dict[str, str]:
    """Return where the photos lie: from the artifact, so both can move together, and outright."""
    folder = os.path.abspath(target.parent)  # noqa: PTH100 - links stay as they are
    return {"root": os.path.relpath(root, folder), "root_absolute": str(root)}


def photos_root(settings: dict[str, Any], folder: Path) -> Path:
    """Return where the photos of an artifact in `folder` lie now."""
    moved = folder / settings["root"]
    return moved if moved.exists() else Path(settings["root_absolute"])
