"""Searching: queries to hits, how good the hits are, and what clicks teach.

Read: `contributions`, `overlays`, `triplet_sets`, `feedback`, `learned_index`,
`augmentation`, `query_projection`,
`queries`, `checks`, `verifier`, `euclidean`, `expansion`, `k_reciprocal`, `distinct`, `neighbours`,
`explaining`, `evaluation`, `hits`, `examples`, `searcher`,
`live_searcher`, `search`, `eval_search`.
"""
