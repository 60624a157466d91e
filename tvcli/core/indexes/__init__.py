"""Indexes: the `.tvx` folder, what it keeps, and how it is made.

Read: `attachments`, `manifest`, `row_store`, `workplace`, `segments`, `structure`, `segment_files`,
`segment_rows`, `table_rows`, `stores`, `index`, `older`, `located`, `keypoints`,
`field_edits`, `building`, `indexing`, `updates`, `sync`, `watching`.
"""
