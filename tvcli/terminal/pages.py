"""Where a local page is found: its address on stderr, and in the browser."""

import webbrowser
from collections.abc import Callable

from tvcli.terminal.logs import tell


def announcer(*, open_browser: bool) -> Callable[[str], None]:
    """Return what tells the person the address of a page, and opens it if that is wished."""

    def announce(address: str) -> None:
        tell(f"{address}\nCtrl-C ends it.", event="address", address=address)
        if open_browser:
            webbrowser.open(address)

    return announce
