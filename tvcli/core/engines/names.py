"""The engines that can be asked for by name."""

from tvcli.core.engines.postgres import Database, is_url
from tvcli.core.engines.structures import STRUCTURES
from tvcli.core.errors import UsageError

AUTO, EXACT = "auto", "exact"


def engine_names() -> list[str]:
    """Return the names that an engine can be asked for by, aliases last; databases have URLs."""
    return [AUTO, EXACT, *STRUCTURES, *_aliases()]


def checked_engine(engine: str) -> str:
    """Return the name of an engine, after seeing that it can be used: before hours of encoding.

    Raises:
        UsageError: there is no such engine.
        BadInput: its library is not installed, or its database does not answer.
    """
    if is_url(engine):
        with Database(engine) as database:
            database.read(lambda connection: connection.execute("SELECT 1"))
        return engine
    chosen = _aliases().get(engine, engine)
    if chosen in STRUCTURES:
        STRUCTURES[chosen].check()
    elif chosen not in (AUTO, EXACT):
        names = ", ".join(engine_names())
        raise UsageError(f"--engine {engine}: {names}, or postgresql://USER@HOST/NAME")
    return chosen


def _aliases() -> dict[str, str]:
    return {alias: name for name, kind in STRUCTURES.items() for alias in kind.aliases}
