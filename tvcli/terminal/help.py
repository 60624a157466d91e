"""Help that begins with examples: what a person came to see."""

import inspect

MARK = "\b\nExamples:\n"


def examples_first(docstring: str | None) -> str:
    """Return a command's docstring with its examples right after the one-line summary."""
    text = inspect.cleandoc(docstring or "")
    before, found, examples = text.partition(MARK)
    summary, _, body = before.partition("\n\n")
    parts = (summary, found + examples, body)
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())
