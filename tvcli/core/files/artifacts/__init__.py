"""Files of HDF5: what each kind holds, declared as data, checked on open, written atomically.

The only package that imports h5py. Nothing in a file is ever unpickled, and links that lead out of
a file are refused.
"""

from tvcli.core.files.artifacts.field_columns import (
    FieldColumn,
    column_of,
    joined_columns,
    joined_types,
)
from tvcli.core.files.artifacts.joined import Joined
from tvcli.core.files.artifacts.kinds import KINDS, Columns, Kind
from tvcli.core.files.artifacts.reader import Artifact, open_artifact
from tvcli.core.files.artifacts.settings import checked_settings
from tvcli.core.files.artifacts.writer import Unwritable, Writer, sync, write_artifact

__all__ = [
    "KINDS",
    "Artifact",
    "Columns",
    "FieldColumn",
    "Joined",
    "Kind",
    "Unwritable",
    "Writer",
    "checked_settings",
    "column_of",
    "joined_columns",
    "joined_types",
    "open_artifact",
    "sync",
    "write_artifact",
]
