"""Where a local page is found: its address on stderr, and in the browser."""

import sys
import webbrowser
from collections.abc import Callable


def announcer(*, open_browser: bool) -> Callable[[str], None]:
    """Return what tells the person the address of a page, and opens it if that is wished."""

    def announce(address: str) -> None:
        print(f"{address}\nCtrl-C ends it.", file=sys.stderr, flush=True)
        if open_browser:
            webbrowser.open(address)

    return announce
