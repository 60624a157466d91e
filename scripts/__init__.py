"""What builds what ships."""

import os

# Threads that wait for each other must not spin: a shared machine has better use for its cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
