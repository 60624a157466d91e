"""The photos that the score of "the same picture" is fitted on, and how well it decides."""
