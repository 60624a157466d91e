"""Ranking: similarity of maps, triplets, and the head that learns from them."""
