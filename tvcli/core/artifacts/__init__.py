"""Files of HDF5: what each kind holds, declared as data, checked on open, written atomically.

The only package that imports h5py. Nothing in a file is ever unpickled, and links that lead out of
a file are refused.
"""

from tvcli.core.artifacts.kinds import KINDS, Columns, Kind
from tvcli.core.artifacts.reader import Artifact, open_artifact
from tvcli.core.artifacts.writer import Writer, sync, write_artifact

__all__ = [
    "KINDS",
    "Artifact",
    "Columns",
    "Kind",
    "Writer",
    "open_artifact",
    "sync",
    "write_artifact",
]
