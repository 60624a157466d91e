"""Files: HDF5 artifacts, JSON Lines, atomic writes, locks, external sorts, sources, shards.

Read: `pipes`, `spellings`, `paths`, `atomic_write`, `locks`, `fields`, `records`, `parquet`,
`tables`, `external_sort`, `provenance`, `own_files`, `trusted`, `project_settings`,
`photo_formats`, `exclusions`, `shards`, `sampling`, `sources`, `watching`; then `artifacts`,
`parquet_rows` and `formats`.
"""
