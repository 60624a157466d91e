"""Runs a page's application until it is interrupted: binds, tells its address, ends cleanly."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from tvcli.core.errors import BadInput
from tvcli.serve.access import Gate
from tvcli.serve.connections import HEAD, BoundedProtocol
from tvcli.serve.entrance import new_secret

GRACE = 2  # seconds that answers under way are given at the end


def serve(app: ASGIApp, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve `app` behind a gate until Ctrl-C; `announce` is given each address that lets in.

    The first is given at once, others when somebody comes with one that is good no more. The ticket
    stands behind `#`, which browsers send to nobody.

    Raises:
        BadInput: the address cannot be listened on.
    """
    listener = listen(host, port)
    address = f"http://{_shown(host)}:{listener.getsockname()[1]}/#ticket="
    gate = Gate(app, new_secret(), host, lambda ticket: announce(address + ticket))
    try:
        AnnouncedServer(page_config(gate), gate.entrance.invite).run(sockets=[listener])
    except KeyboardInterrupt:  # how a page is ended: all is saved by now
        pass
    finally:
        listener.close()


class AnnouncedServer(uvicorn.Server):
    """A server that is announced once it answers, and a signal ends it well: not before."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, then announce it."""
        await super().startup(sockets)
        if not self.should_exit:
            self._announce()


def page_config(gate: Gate) -> uvicorn.Config:
    """Return how to serve a page, with bounds as `server_config` has them."""
    return server_config(gate, GRACE)


def server_config(app: Any, grace: int, **more: Any) -> uvicorn.Config:
    """Return how to serve, with bounds on connections and heads; `grace` in seconds, at the end."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        h11_max_incomplete_event_size=HEAD,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=grace,
        ws="none",
        server_header=False,
        **more,
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any free one; raises BadInput where it cannot be."""
    try:
        family, kind, protocol, _, address = _resolved(host, port)
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise BadInput(f"{host}:{port}: cannot be listened on: {error.strerror}") from error
    listener.listen(128)
    return listener


def is_beyond(host: str) -> bool:
    """Tell whether others than this machine reach what listens on a host."""
    try:
        address = str(_resolved(host, 0)[4][0])
    except OSError:
        return True
    return not ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _resolved(host: str, port: int) -> tuple[int, int, int, str, Any]:
    flags = socket.AI_PASSIVE
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)[0]


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
