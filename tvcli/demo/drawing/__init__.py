"""Drawn garments in drawn studios: pictures with known truth, for demonstrations and tests."""

from tvcli.demo.drawing.collection import Record, draw_collection

__all__ = ["Record", "draw_collection"]
