"""Labelling: the labels that an index's labelled photos vote for, weighted by their similarity.

Read: `votes`, `neighbours`, `logistic`, `rule`, `fitting`, `gallery_labels`, `labelled`,
`sidecars`, `labelling`.
"""
