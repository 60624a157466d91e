"""What `tv demo` shows: garments that it draws, and the chain that makes them searchable."""
