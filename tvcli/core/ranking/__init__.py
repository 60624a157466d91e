"""Ranking: similarity of maps, triplets, and the head that learns from them.

Read: `similarity`, `triplets`, `triplet_table`, `changed_copies`, `rows`, `mining`, `clicks`,
`vectors`, `labels`, `pooled_rows`, `metrics`, `calibration`, `held_out`, `closed_form`,
`rehearsal`, `start_choice`, `rank`, `losses`, `refining`, `rank_training`, `learn_rank`,
`map_pca`."""
