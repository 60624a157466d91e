"""A connection that comes back: reads are tried once more, writes are all or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tvcli.core.errors import BadInput

SCHEMES = ("postgresql", "postgres")

T = TypeVar("T")


def is_url(engine: str) -> bool:
    """Tell whether an engine is a database named by its URL."""
    return urlsplit(engine).scheme in SCHEMES


def without_password(url: str) -> str:
    """Return the URL of a database as it may be written down: its password is left out."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "password"]
    query = urlencode(kept, safe="/")
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host, query=query))


class Database:
    """A database by its URL, connected when first asked; passwords come from where libpq looks.

    These are the URL itself, PGPASSWORD and ~/.pgpass.
    """

    def __init__(self, url: str) -> None:
        self._url, self.name = url, without_password(url)
        self._connection: Any = None

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def read(self, ask: Callable[[Any], T]) -> T:
        """Return what a function gets through a connection; a broken one is replaced once.

        Raises:
            BadInput: no database there, or it refuses.
        """
        psycopg = driver()
        with self._told():
            try:
                return ask(self._connected())
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if self._connection is None or not self._connection.broken:
                    raise
                self.close()
                return ask(self._connected())

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Give a connection in a transaction of its own: what fails half-way leaves no trace.

        Raises:
            BadInput: no database there, or it refuses; nothing was changed.
        """
        self.read(lambda connection: connection.execute("SELECT 1"))
        with self._told(), self._connected().transaction():
            yield self._connection

    def _connected(self) -> Any:
        if self._connection is None or self._connection.closed:
            psycopg = driver()
            self._connection = psycopg.connect(self._url, autocommit=True)
            self._prepare()
        return self._connection

    def _prepare(self) -> None:
        """Teach the connection the vector type, which the database may yet have to learn."""
        from pgvector.psycopg import register_vector

        psycopg = driver()
        try:
            register_vector(self._connection)
        except psycopg.ProgrammingError:
            self._connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            register_vector(self._connection)

    @contextmanager
    def _told(self) -> Iterator[None]:
        psycopg = driver()
        try:
            yield
        except psycopg.Error as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BadInput(f"{self.name}: {reason}") from error


def driver() -> Any:
    """Return the module psycopg; raises BadInput where the extra is not installed."""
    try:
        import pgvector.psycopg
        import psycopg
    except ImportError as error:
        raise BadInput("psycopg is not installed: pip install 'tvcli[postgres]'") from error
    assert pgvector.psycopg
    return psycopg
