"""Local pages: where they are served, and where a person finds them."""

import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tvcli.terminal import options
from tvcli.terminal.logs import tell
from tvcli.terminal.option_groups import OptionGroup

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class PageOptions(OptionGroup):
    """Options of commands that serve a local page."""

    allow: options.Allow = None
    host: options.Host = "127.0.0.1"
    port: options.Port = 0
    no_open: options.NoOpen = False

    @property
    def allowed(self) -> "Sequence[Path]":
        """Folders besides the photos' own whose pictures may be shown."""
        return self.allow or ()

    @property
    def is_beyond(self) -> bool:
        """Whether others than this machine reach the page."""
        from tvcli.serve.server import is_beyond  # brings uvicorn

        return is_beyond(self.host)

    def serve(self, app: "ASGIApp") -> None:
        """Serve a page until the person, who is told where it is, ends it; raises as `serve`."""
        from tvcli.serve.server import serve

        if self.is_beyond:
            text = (
                f"warning: --host {self.host}: others reach this page, and nothing is encrypted: "
                "who listens on the way sees the photos and gets in; ssh -L is safer (see "
                "docs/pages.md)"
            )
            tell(text, level="warning", event="host")
        told: list[str] = []

        def announce(address: str) -> None:
            told.append(address)
            if len(told) > 1:
                tell(f"a new address, the one before is good no more:\n{address}", address=address)
                return
            tell(f"{address}\nCtrl-C ends it.", event="address", address=address)
            if not self.no_open:  # on a thread: no browser must keep the page waiting
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        serve(app, self.host, self.port, announce)
