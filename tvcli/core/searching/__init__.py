"""Searching: queries to hits, how good the hits are, and what clicks teach."""
