"""What trains `mini`: photos, views, teachers, cache, student, loop (scripts/train_mini.py)."""
