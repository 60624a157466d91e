"""Encoding: regions of photos in, rows out, in parts that survive a kill.

Read: `pooling`, `finite`, `encoder`, `encode`, `stat_cache`, `changes`, `checkpoints`,
`work_units`, `ray_cluster`, `named_settings`, `updates`, `renewal`.
"""
