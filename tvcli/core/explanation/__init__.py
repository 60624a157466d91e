"""Why two photos are similar: which positions of their maps make it so, as heat maps over them."""
