"""Text of others on a terminal: control characters and changes of direction shown as escapes.

A file's name, a label or a setting may be anyone's. Written raw it could clear the screen, set the
title, answer for the user or show one name for another.
"""


def printable(text: str) -> str:
    """Return a text as one line that is safe to show: what is not printable as Python writes it."""
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """Return a text of several lines that is safe to show; its ends of lines and tabs stay."""
    return "".join(c if c in "\n\t" else _shown(c) for c in text)


def _shown(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]
