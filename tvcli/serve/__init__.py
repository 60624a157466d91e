"""Pages: what a browser shows. Calls core only."""
