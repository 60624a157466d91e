"""Files of HDF5: what each kind holds, declared as data, checked on open, written atomically.

The only package that imports h5py. Nothing in a file is ever unpickled, and links that lead out of
a file are refused.
"""

from tvcli.core.files.artifacts.columns import (
    ALL,
    Columns,
    Rows,
    Some,
    Table,
    joined_rows,
    slices,
    some_rows,
)
from tvcli.core.files.artifacts.field_columns import (
    FieldColumn,
    column_of,
    joined_columns,
    joined_types,
)
from tvcli.core.files.artifacts.joined import Joined
from tvcli.core.files.artifacts.kinds import KINDS, Kind
from tvcli.core.files.artifacts.reader import Artifact, open_artifact
from tvcli.core.files.artifacts.settings import checked_settings
from tvcli.core.files.artifacts.writer import Writer, sync, write_artifact

__all__ = [
    "ALL",
    "KINDS",
    "Artifact",
    "Columns",
    "FieldColumn",
    "Joined",
    "Kind",
    "Rows",
    "Some",
    "Table",
    "Writer",
    "checked_settings",
    "column_of",
    "joined_columns",
    "joined_rows",
    "joined_types",
    "open_artifact",
    "slices",
    "some_rows",
    "sync",
    "write_artifact",
]
