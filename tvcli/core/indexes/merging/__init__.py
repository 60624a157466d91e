"""Parts that other processes made, back into one: encodings, records, indexes."""
