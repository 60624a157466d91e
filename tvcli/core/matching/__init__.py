"""Verification: whether two photos show the same picture, by geometry.

Read: `features`, `feature_columns`, `homography`, `zncc`, `blank`, `local_agreement`,
`photometry`, `fitting`, `evidence`, `score`, `match`, `whole`, `matcher`, `decision`, `pair`,
`pairs`, `matched_points`; for shortlists `vocabulary`, `inverted_file`, `voting`.
"""
