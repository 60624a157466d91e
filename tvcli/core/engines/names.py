"""The engines that can be asked for by name."""

from tvcli.core.engines.postgres import Database, is_url
from tvcli.core.engines.structures import STRUCTURES
from tvcli.core.errors import UsageError

ALIASES = {"faiss": "faiss-ivfpq"}  # as quick as HNSW, and far smaller (docs/notes/benchmarks.md)
CHOICES = ("auto", "exact", *STRUCTURES, *ALIASES)


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
    if engine not in CHOICES:
        raise UsageError(f"--engine {engine}: {', '.join(CHOICES)}, or postgresql://USER@HOST/NAME")
    chosen = ALIASES.get(engine, engine)
    if chosen in STRUCTURES:
        STRUCTURES[chosen].check()
    return chosen
