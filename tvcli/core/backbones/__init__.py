"""Backbones: frozen networks that turn pictures into dense maps, and the geometry of those maps.

Read: `catalogue`, `specs`, `geometry`, `mini_files`, `graph_cache`, `graph_check`, `graph_writing`,
`interrupting`, `graphs`, `receptive_field`, `mini`, `layers`, `torchvision_models`, `timm_models`,
`loading`, `export`."""
