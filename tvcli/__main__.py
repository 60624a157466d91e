"""`python -m tvcli` is `tv`."""

from tvcli.cli import main

main()
