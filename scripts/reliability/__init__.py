"""What shows that nothing is lost: jobs killed at random moments, readers fed with broken files."""
