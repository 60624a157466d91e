"""Verification: whether two photos show the same picture, by geometry."""
