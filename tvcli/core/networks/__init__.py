"""Backbones: frozen networks that turn pictures into dense maps, and the geometry of those maps."""
