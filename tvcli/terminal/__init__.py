"""What a person or a pipe sees: hits, tables, progress, and the options commands share."""
