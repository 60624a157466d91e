"""Where photos lie on a plane: `principal`, `neighbourly`, then `layout`, of an index."""
