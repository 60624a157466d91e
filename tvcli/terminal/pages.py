"""Where a local page is found: its address on stderr, and in the browser."""

import threading
import webbrowser
from collections.abc import Callable

from tvcli.terminal.logs import tell


def announcer(*, host: str, open_browser: bool) -> Callable[[str], None]:
    """Return what tells the person the address of a page, and opens the first if that is wished.

    Where others than this machine reach `host`, the person is told what that means.
    """
    from tvcli.serve.server import is_beyond  # brings uvicorn

    if is_beyond(host):
        text = (
            f"warning: --host {host}: others reach this page, and nothing is encrypted: who "
            "listens on the way sees the photos and gets in; ssh -L is safer (see docs/pages.md)"
        )
        tell(text, level="warning", event="host")
    told = 0

    def announce(address: str) -> None:
        nonlocal told
        told += 1
        if told > 1:
            tell(f"a new address, the one before is good no more:\n{address}", address=address)
            return
        tell(f"{address}\nCtrl-C ends it.", event="address", address=address)
        if open_browser:  # on a thread: a browser in the foreground must not keep the page waiting
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    return announce
