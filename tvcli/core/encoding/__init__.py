"""Encoding: regions of photos in, rows out, in parts that survive a kill."""
