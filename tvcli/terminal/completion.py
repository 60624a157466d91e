"""Completion of command lines: files of the kind that an option takes, names of backbones."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from tvcli.core.backbones.catalogue import NAMES
from tvcli.terminal.settings import leaves

COMPLETING = "_TV_COMPLETE"  # the variable by which a shell's script asks
ROWS, RECORDS, INDEX = (".h5",), (".jsonl", ".json"), (".tvx",)
WEIGHTS = (".pth", ".pt", ".safetensors")
PAGES = (".png", ".svg", ".pdf")
# What each parameter takes, by name; where a command differs from the rest, by command and name.
KINDS: dict[str, tuple[str, ...]] = {
    "classifier": ROWS,
    "boxes": ROWS,
    "rank": ROWS,
    "weights": WEIGHTS,
    "index": INDEX,
    "indexes": INDEX,
    "compare": INDEX,
    "labels": RECORDS,
    "clicks": RECORDS,
    "truth": RECORDS,
    "triplets": RECORDS,
    "located": RECORDS,
    "errors": RECORDS,
    "plot": PAGES,
    "crops boxes": (*RECORDS, ".xml", ".txt"),
    "encode output": ROWS,
    "index output": INDEX,
    "train-classifier crops": ROWS,
    "train-classifier output": ROWS,
    "train-boxes crops": ROWS,
    "train-boxes output": ROWS,
    "train-rank source": ROWS,
    "train-rank output": ROWS,
    "triplets source": ROWS,
    "crops output": RECORDS,
    "locate output": RECORDS,
    "triplets output": RECORDS,
    "eval triplets source": (*ROWS, *INDEX),
}
BASH = """_tv_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        _TV_COMPLETE=complete_bash "$1" 2>/dev/null) )
    if [[ -e ${COMPREPLY[0]} ]] && (( COMP_CWORD > 1 )); then
        compopt -o filenames
    fi
}
complete -o default -F _tv_completion tv"""

Complete = Callable[[Any, Any, str], list[str]]


def complete_values(root: Any) -> None:
    """Tell the parameters of all commands what completes them."""
    for words, command in leaves(root):
        for parameter in command.params:
            complete = _completer(" ".join(words), parameter.name)
            if complete is not None and not parameter.type_descriptor.is_choice:
                parameter._custom_shell_complete = complete


def answer(root: Any) -> NoReturn:
    """Print what completes the line that a shell's script asks about, and end."""
    from typer._completion_classes import completion_init

    completion_init()
    root.main([], "tv", complete_var=COMPLETING)
    raise SystemExit


def script(shell: str) -> str:
    """Return what a shell has to run to complete tv's command lines."""
    from typer._completion_shared import get_completion_script

    if shell == "bash":  # Typer's own closes a folder with a space
        return BASH
    text: str = get_completion_script(prog_name="tv", complete_var=COMPLETING, shell=shell)
    return text


def _completer(command: str, name: str) -> Complete | None:
    if name == "backbone":
        return lambda context, parameter, text: [n for n in NAMES if n.startswith(text)]
    kinds = KINDS.get(f"{command} {name}") or KINDS.get(name)
    if kinds is None:
        return None
    return lambda context, parameter, text: list(_files(text, kinds))


def _files(text: str, kinds: tuple[str, ...]) -> Iterator[str]:
    """Yield the files of some kinds, and the folders, whose path begins with a text."""
    folder, start = os.path.split(text)
    try:
        found = sorted(os.scandir(os.path.expanduser(folder) or "."), key=lambda e: e.name)  # noqa: PTH111
    except OSError:
        return
    for entry in found:
        if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
            continue
        if Path(entry.name).suffix in kinds or entry.is_dir():
            yield os.path.join(folder, entry.name)  # noqa: PTH118 - as it was typed
