"""Who may use the pages: the Host, the token, the Origin of writes, and how much may be sent."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tvcli.core.files.strict_json import parse_json
from tvcli.serve.answers import Refused, answer, explain
from tvcli.serve.entrance import Entrance, is_same

MAX_BODY = 64 * 2**20  # bytes of an upload
MAX_PATH = 2048  # bytes: ours are short, and a number of 5,000 digits is one of ours no more
LARGE = 2**20  # bytes of a body from which on only a few are received at a time
AT_ONCE = 2  # of those
MAX_TICKET = 1000  # bytes of the body that asks to be let in
PAUSE = 10.0  # seconds without a byte of a body that was announced
PATIENCE = 300.0  # seconds for all of a body
ENTRANCE = "/api/session"
OPEN = re.compile(r"/|/static/[^/]*")  # the pages' own files, which hold nothing of anybody's
PICTURES = re.compile(r"/pictures/[^/]+|/api/files/[^/]+/picture")
SAFE_METHODS = frozenset(("GET", "HEAD"))
HEADERS = {
    # Nothing is loaded from elsewhere, whatever slips into a page.
    "content-security-policy": "default-src 'none'; img-src 'self' blob:; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class BoundedGate:
    """Passes on the requests that `refusal` lets through, with bounds on their bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._large = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        guarded, headers = with_headers(send), Headers(scope=scope)
        refusal = self.refusal(scope, headers)
        if refusal is not None:
            refusal.headers["connection"] = "close"  # its body was not read
            await refusal(scope, receive, guarded)
        else:
            await self.passed(scope, receive, guarded)

    def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is not let through."""
        raise NotImplementedError

    async def passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is let through; only a few large bodies come in at a time."""
        if is_longer(Headers(scope=scope), LARGE):
            async with self._large:
                await self._app(scope, bounded(receive, MAX_BODY), send)
        else:
            await self._app(scope, bounded(receive, LARGE), send)


class Gate(BoundedGate):
    """Lets a request through when its Host, its token and, for writes, its Origin are right.

    The token is sent in `Authorization: Bearer`, by the page and by programs alike: no browser adds
    it by itself, as it does a cookie, which it would send to every port of the host. A Host must be
    an address, localhost, this machine's name or the name listened on: a page elsewhere whose name
    is pointed at this machine (DNS rebinding) has another. `tell` is given each ticket of the
    entrance, for the address.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        host: str = "127.0.0.1",
        tell: Callable[[str], None] = lambda ticket: None,
    ) -> None:
        super().__init__(app)
        self.entrance = Entrance(token, tell)
        self._names = {"localhost", host.lower(), socket.gethostname().lower()}

    async def passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a person in who brings a ticket; answer the others as any request."""
        if scope["path"] == ENTRANCE and scope["method"] == "POST":
            response = await self._entered(receive)
            await response(scope, receive, send)
        else:
            await super().passed(scope, receive, send)

    def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request of another Host, too large, or without the token."""
        path, safe = scope["path"], scope["method"] in SAFE_METHODS
        host = headers.get("host", "")
        if not self._is_known(host):
            return answer({"error": f"not a name of this machine: {host:.80}"}, 421)
        enters = path == ENTRANCE and scope["method"] == "POST"
        is_open = safe and OPEN.fullmatch(path) is not None
        limit = MAX_TICKET if path == ENTRANCE else MAX_BODY
        if refusal := too_much(scope, headers, limit, is_open=is_open):
            return refusal
        if not enters and not is_open and not self._may(scope, headers):
            return answer({"error": "no token, or not the right one: see the address"}, 401)
        own = headers.get("origin") in (None, f"http://{host}", f"https://{host}")
        return None if safe or own else answer({"error": "writes come from the page itself"}, 403)

    def _may(self, scope: Scope, headers: Headers) -> bool:
        """Tell whether a request has the token, or reads a picture and has the pass for them."""
        session = self.entrance.session
        if is_same(bearer(headers), session.token):
            return True
        if scope["method"] not in SAFE_METHODS or not PICTURES.fullmatch(scope["path"]):
            return False
        passes = parse_qs(scope["query_string"].decode("latin-1")).get("pass", [""])
        return is_same(passes[-1], session.pictures)

    async def _entered(self, receive: Receive) -> Response:
        """Return the session for a ticket; none lets the person be told a new one."""
        try:
            data = await _body(bounded(receive, MAX_TICKET))
            asked = parse_json(data or b"{}")
        except Refused as error:
            return explain(error)
        except ValueError:
            asked = None
        ticket = asked.get("ticket", "") if isinstance(asked, dict) else ""
        session = self.entrance.enter(str(ticket))
        if session is None:
            reason = "this address was used, or is older than a minute: tv has printed a new one"
            return answer({"error": reason}, 401)
        return answer(session.as_json())

    def _is_known(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name.lower() in self._names
        return True


def bearer(headers: Headers) -> str:
    """Return the token that a request brings, empty if none; the scheme is `Bearer`, in any case.

    Source: RFC 9110, section 11.1, and RFC 6750, section 2.1.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else ""


def announced_length(headers: Headers) -> int:
    """Return how long a body says it is, 0 where it does not say."""
    length = headers.get("content-length", "")
    return min(int(length[:20]), 2**62) if length.isdecimal() else 0


def is_longer(headers: Headers, length: int) -> bool:
    """Tell whether a body has more bytes than that, or may have since it does not say."""
    return "transfer-encoding" in headers or announced_length(headers) > length


def too_much(scope: Scope, headers: Headers, most: int, *, is_open: bool) -> Response | None:
    """Return the answer to a request whose address or body is too long; to one `is_open`, any body.

    Who has no token must not take the place of a large one.
    """
    if len(scope["path"]) > MAX_PATH:
        return answer({"error": "no such address"}, 414)
    if announced_length(headers) > most:
        return answer({"error": f"more than {most / 2**20:g} MiB"}, 413)
    if is_open and is_longer(headers, 0):
        return answer({"error": "no body is taken here"}, 413)
    return None


def with_headers(send: Send) -> Send:
    """Return a `send` that adds what a browser is told to every answer."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if message["status"] in (408, 413):  # what is left of the body is not waited for
                headers["connection"] = "close"
        await send(message)

    return guarded


async def _body(receive: Receive) -> bytes:
    data = b""
    while True:
        message = await receive()
        data += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return data


def bounded(receive: Receive, limit: int) -> Receive:
    """Return a `receive` that stops a body that is longer than it said, or slower than `PAUSE`."""
    total, ends, over = 0, asyncio.get_running_loop().time() + PATIENCE, False

    async def received() -> Message:
        nonlocal total, over
        if over:
            return await receive()
        left = ends - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, min(PAUSE, left)))
        except TimeoutError:
            raise Refused(408, "the body did not come") from None
        total, over = total + len(message.get("body", b"")), not message.get("more_body", False)
        if total > limit:
            raise Refused(413, f"more than {limit / 2**20:g} MiB")
        return message

    return received
