"""PostgreSQL with pgvector (extra `postgres`): rows in a table of a database, shared by many.

Read: `database`, `where`, `table`.
"""

from tvcli.core.engines.postgres.database import Database, is_url, without_password
from tvcli.core.engines.postgres.table import SEARCH_BUDGET, Table

__all__ = ["SEARCH_BUDGET", "Database", "Table", "is_url", "without_password"]
