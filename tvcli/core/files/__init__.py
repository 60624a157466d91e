"""Files: HDF5 artifacts, JSON Lines, atomic writes, locks, external sorts, sources, shards."""
