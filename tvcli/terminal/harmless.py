"""Text of others on a terminal: control characters and changes of direction shown as escapes.

A file's name, a label or a setting may be anyone's. Written raw it could clear the screen, set the
title, answer for the user or show one name for another.
"""

MOST_SHOWN = 1000  # characters of a line; a path of 255 and a reason take half of it
SHOWN_FIRST, SHOWN_LAST = 600, 300  # of a longer one: what it is about, and what is wrong


def printable(text: str) -> str:
    """Return a text as one line that is safe to show: what is not printable as Python writes it."""
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """Return a text of several lines that is safe to show; its ends of lines and tabs stay."""
    return "".join(c if c in "\n\t" else _shown(c) for c in text)


def as_argument(path: str) -> str:
    """Return a path that no program takes for an option: `./` goes before a dash."""
    return f"./{path}" if path.startswith("-") else path


def shortened(text: str) -> str:
    """Return a text of which lines longer than anything that a person reads lack their middle."""
    return "\n".join(
        line if len(line) <= MOST_SHOWN else f"{line[:SHOWN_FIRST]} … {line[-SHOWN_LAST:]}"
        for line in text.split("\n")
    )


def _shown(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]
