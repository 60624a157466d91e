"""Indexes: the `.tvx` folder, what it keeps, and how it is made."""
