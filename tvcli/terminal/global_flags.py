"""Flags of tv itself: they may stand anywhere on a command line, before or after the command."""

import os

GLOBAL_FLAGS = {
    "--debug": "debug",
    "--verbose": "verbose",
    "-v": "verbose",
    "--log-json": "log-json",
    "--force": "force",
}
TRUE = {"1", "true", "yes", "on"}


def take_global_flags(arguments: list[str]) -> tuple[list[str], set[str]]:
    """Return arguments without these flags, and which are set, here or in the environment."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    wanted = {GLOBAL_FLAGS[word] for word in arguments[:end] if word in GLOBAL_FLAGS}
    for name in GLOBAL_FLAGS.values():
        if os.environ.get(f"TV_{name.upper().replace('-', '_')}") in TRUE:
            wanted.add(name)
    return [word for word in arguments[:end] if word not in GLOBAL_FLAGS] + arguments[end:], wanted
