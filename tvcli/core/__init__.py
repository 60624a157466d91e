"""The work: knows nothing of the terminal or the web; README.md of docs/ gives its order."""
