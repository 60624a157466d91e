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
    from tvcli.terminal.signals import end_cleanly, interrupt_of, status_of

    end_cleanly()  # before what takes long to import
    try:
        from tvcli.cli import main as command

        command()
    except (Exception, KeyboardInterrupt) as error:
        stopped = interrupt_of(error)
        if stopped is None:
            raise
        # It came before the command ran, which says it itself from then on.
        status = status_of(stopped)
        print(f"tv: {status.name.lower()}", file=sys.stderr)
        sys.exit(status)


if __name__ == "__main__":
    main()
