"""Ranking: similarity of maps, triplets, and the head that learns from them.

Read: `similarity`, `triplets`, `changed_copies`, `rows`, `mining`, `clicks`, `vectors`, `labels`,
`views`, `metrics`, `rank`, `rank_head`, `losses`, `rank_training`, `learn_rank`, `map_pca`."""
