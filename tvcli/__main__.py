"""`tv`, and `python -m tvcli`: the command, where it can run."""

import sys


def main() -> None:
    """Run the command and end with its exit status."""
    if sys.platform == "win32":  # before anything is imported that is not there
        print(
            "tv: Windows is not supported, since tv needs the locks of files and the signals of "
            "Unix; use WSL (wsl --install), where it runs as on Linux",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        from tvcli.cli import main as command

        command()
    except KeyboardInterrupt:  # before the command runs, which says it itself from then on
        print("tv: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
