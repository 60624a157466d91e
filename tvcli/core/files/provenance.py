"""How an artifact was made: the command, the versions, the seed, and the hash of each input."""

import hashlib
import platform
from pathlib import Path
from typing import Any

from tvcli.core.files.pipes import is_pipe

PACKAGES = ("tvcli", "torch", "torchvision", "numpy", "pillow")


def provenance(
    command: list[str], inputs: list[Path] | None = None, seed: int | None = None
) -> dict[str, Any]:
    """Return what an artifact records of its making; no time or host, so that it is repeatable.

    What comes through a pipe has no hash: it is read once, and not here.
    """
    return {
        "command": command,
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "seed": seed,
        "inputs": [
            {"path": str(path), "hash": file_hash(path)}
            for path in inputs or []
            if not is_pipe(path)
        ],
    }


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # brings email: not for a search

    try:
        return version(package)
    except PackageNotFoundError:
        return None
