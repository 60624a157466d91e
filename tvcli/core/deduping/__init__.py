"""Deduping: groups of photos that show the same picture, and which of each to keep."""
