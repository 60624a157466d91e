"""tv: image-similarity search that people train on their own pictures."""

__version__ = "0.1.0"
