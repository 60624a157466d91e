"""Drawn garments in drawn studios: pictures with known truth, for demonstrations and tests."""

from tvcli.core.drawing.collection import Record, draw_collection

__all__ = ["Record", "draw_collection"]
