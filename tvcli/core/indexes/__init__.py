"""Indexes: the `.tvx` folder, what it keeps, and how it is made.

Read: `attachments`, `manifest`, `segments`, `structure`, `table_rows`, `index`, `keypoints`,
`building`, `indexing`, `updates`, `sync`.
"""
