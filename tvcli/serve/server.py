"""Runs a page's application until it is interrupted: binds, tells its address, ends cleanly."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from tvcli.core.errors import BadInput
from tvcli.serve.access import Gate, new_token

GRACE = 2  # seconds that answers under way are given at the end


def serve(app: ASGIApp, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve `app` behind a gate until Ctrl-C; `announce` is given the address with its token.

    Raises:
        BadInput: the address cannot be listened on.
    """
    listener = listen(host, port)
    bound = listener.getsockname()[1]
    token = new_token()
    gate = Gate(app, token, host, bound)
    config = uvicorn.Config(
        gate,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        ws="none",
        server_header=False,
    )
    announce(f"http://{_shown(host)}:{bound}/?token={token}")
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # how a page is ended: all is saved by now
        pass
    finally:
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any free one; raises BadInput where it cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise BadInput(f"{host}:{port}: cannot be listened on: {error.strerror}") from error
    listener.listen(128)
    return listener


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
