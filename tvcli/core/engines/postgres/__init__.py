"""PostgreSQL with pgvector (extra `postgres`): rows in a table of a database, shared by many.

Read: `database`, `table`.
"""

from tvcli.core.engines.postgres.database import Database, is_url, without_password
from tvcli.core.engines.postgres.table import Table

__all__ = ["Database", "Table", "is_url", "without_password"]
