"""What an older generation of `mini` made: which one, and the command that makes it anew."""

import os
import shlex
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.mini_files import current, generation_of

PINNED = "generation"  # the setting of rows whose generation was asked for by its name
RANK, DEMO = "--rank", "demo"
ENCODINGS = (".h5", ".hdf5", ".parquet")
# What a command that makes a file anew must not have, or need not.
FLAGS = ("--update", "--watch", "-q", "--quiet", "-v", "--verbose")


def renewal(
    path: Path,
    settings: Mapping[str, Any],
    provenance: Any,
    photos: Callable[[], Path],
) -> str | None:
    """Return the line that tells how a file of an older generation is made anew.

    `photos` tells where its photos lie. None for what the current generation made, or another
    backbone, or one that was asked for by the name of its generation.
    """
    backbone = settings["encoder"]["backbone"]
    made_by = generation_of(backbone["weights"]) if backbone["name"] == FAMILY else None
    if made_by in (None, current(), settings.get(PINNED)):
        return None
    known, encodings = _recorded(provenance)
    command = _command(path, known, photos)
    before = [f"encode {name} again" for name in encodings[:1] if command[1] != DEMO]
    before += [f"train {name} again" for name in _rank_heads(command)]
    first = f" {', '.join(before)}, then:" if before else ""
    return (
        f"{path}: made by {made_by}, which it stays with; mini is {current()} now. To make it anew:"
        f"{first} {shlex.join(command)}"
    )


def _rank_heads(command: list[str]) -> list[str]:
    """Return the rank head that a command names: it fits encodings of its own generation alone."""
    after = [word for name, word in pairwise(command) if name == RANK]
    return after + [
        word.removeprefix(f"{RANK}=") for word in command if word.startswith(f"{RANK}=")
    ]


def _recorded(provenance: Any) -> tuple[list[str], list[str]]:
    """Return the command and the files of encodings that made a file, as far as it says so."""
    try:
        known = [str(word) for word in provenance["command"]]
        inputs = [str(each["path"]) for each in provenance["inputs"]]
    except (KeyError, TypeError):  # anyone may have written it: it does not keep from searching
        return [], []
    return known, [name for name in inputs if name.lower().endswith(ENCODINGS)]


def _command(path: Path, known: list[str], photos: Callable[[], Path]) -> list[str]:
    """Return the command that made a file, as it makes it where it is now.

    What `tv demo` made is one of a chain of files, all of which are made anew.
    """
    name = "encode" if path.is_file() else "index"
    if known[:2] == ["tv", DEMO]:
        return known
    if known[:1] != ["tv"] or name not in known:  # made from Python, or merged
        return ["tv", name, os.path.relpath(photos()), "-o", str(path)]
    arguments = iter(known[known.index(name) + 1 :])
    kept = []
    for word in arguments:
        if word in ("-o", "--output"):
            next(arguments, None)
        elif word not in FLAGS and not word.startswith(("-o", "--output=")):
            kept.append(word)
    return ["tv", name, *kept, "-o", str(path)]
