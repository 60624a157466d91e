"""What builds what ships."""
