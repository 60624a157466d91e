"""Write docs/commands.md from the commands themselves; a test fails where it is out of date.

python -m scripts.docs
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tvcli.cli import COMMANDS, GROUPS

TARGET = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """# The commands

What `tv COMMAND --help` prints, written by `python -m scripts.docs`.
"""


def names() -> list[list[str]]:
    """Return the words of every command, in the order of `tv --help`."""
    alone = [[name] for name in COMMANDS]
    grouped = [[name, part] for name, (_, commands) in GROUPS.items() for part in commands]
    return alone + grouped


def help_of(words: list[str]) -> str:
    """Return what `tv WORDS --help` prints on a terminal of 96 columns."""
    return _printed(*words)


@cache
def _printed(*words: str) -> str:
    environment = {**os.environ, "COLUMNS": "96", "TERM": "dumb"}
    command = [sys.executable, "-m", "tvcli", *words, "--help"]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def reference() -> str:
    """Return the text of docs/commands.md."""
    parts = [HEAD, f"```text\n{help_of([])}\n```\n"]
    for words in names():
        parts.append(f"## tv {' '.join(words)}\n\n```text\n{help_of(words)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(reference(), "utf-8")
