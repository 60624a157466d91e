"""Deduping: groups of photos that show the same picture, and which of each to keep.

Read: `photos`, `keypoint_store`, `words`, `sharing`, `candidates`, `same`, `seam`,
`linking`, `transform_description`, `names`, `facts`, `preference`, `grouping`, `decisions`,
`opening`, `dedupe`.
"""
