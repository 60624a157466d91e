"""Connections: how many there are, and how long one may wait without asking for anything."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 128  # connections at a time; a browser opens six for each tab
QUIET = 10.0  # seconds: a request whose head is not there by then, or an answer nobody takes
HEAD = 32 * 2**10  # bytes of a request's head: addresses name what is liked


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with what uvicorn leaves unbounded bounded.

    uvicorn closes connections that are quiet after an answer. Here those end, too, that never
    finish to ask, or never read what they asked for; and where there are too many, the one that has
    waited longest without a request makes way, so that half-open ones keep nobody out.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and make room."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > MOST:
            others = [each for each in self.connections if isinstance(each, BoundedProtocol)]
            waiting = filter(_waits, others)
            min(waiting, key=lambda each: each._since, default=self).transport.abort()
        self.loop.call_later(QUIET, self._watch, self._state())

    def _watch(self, before: tuple[Any, ...]) -> None:
        """End the connection if it is as it was, with the other side to act."""
        if self.transport.is_closing():
            return
        now = self._state()
        if now == before and (_waits(self) or self.flow.write_paused):
            self.transport.abort()
        else:
            self.loop.call_later(QUIET, self._watch, now)

    def _state(self) -> tuple[Any, ...]:
        written = self.transport.get_write_buffer_size()
        return id(self.cycle), self.conn.their_state, written


def _waits(connection: BoundedProtocol) -> bool:
    """Tell whether a connection has yet to ask for something."""
    return bool(connection.conn.their_state is h11.IDLE)
