"""Who may use the pages: the Host, the token, the Origin of writes, and how much may be sent."""

import ipaddress
import secrets
import socket
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tvcli.serve.answers import Refused, answer

MAX_BODY = 64 * 2**20  # bytes of an upload
SAFE_METHODS = frozenset(("GET", "HEAD"))
HEADERS = {
    # Nothing is loaded from elsewhere, whatever slips into a page.
    "content-security-policy": "default-src 'none'; img-src 'self' blob:; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ASK_TOKEN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>tv: token</title>
<link rel="stylesheet" href="/static/page.css"><link rel="stylesheet" href="/static/controls.css">
<main class="ask"><h1>This page needs its token</h1>
<p>Open the address that tv printed where it was started, or enter the token it ends with.</p>
<form><label>Token <input name="token" autocomplete="off" autofocus></label>
<button class="strong">Open</button></form></main></html>"""


def new_token() -> str:
    """Return a token that cannot be guessed."""
    return secrets.token_urlsafe(18)


class Gate:
    """Lets a request through when its Host, its token and, for writes, its Origin are right.

    The token comes once in the address (`?token=`), then in a cookie; a program sends it in
    `Authorization: Bearer`, and then needs no Origin, which only browsers have.
    A Host must be an address, localhost, this machine's name or the name listened on: a page
    elsewhere whose name is pointed at this machine (DNS rebinding) has another.
    """

    def __init__(self, app: ASGIApp, token: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app, self._token, self._cookie = app, token, f"tv-{port}"
        self._names = {"localhost", host.lower(), socket.gethostname().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        guarded = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, _bounded(receive), guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, safe = Headers(scope=scope), scope["method"] in SAFE_METHODS
        host = headers.get("host", "")
        if not self._is_known(host):
            return answer({"error": f"not a name of this machine: {host:.80}"}, 421)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > MAX_BODY:
            return answer({"error": f"more than {MAX_BODY >> 20} MiB"}, 413)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if scope["path"].startswith("/static/") and safe:
            return None
        if safe and secrets.compare_digest(query.get("token", "").encode(), self._token.encode()):
            return self._welcome(scope)
        program = self._is_token(headers.get("authorization", "").removeprefix("Bearer "))
        if not program and not self._is_token(self._cookie_of(headers)):
            return _no_token(scope)
        origin = headers.get("origin")
        own = origin in (f"http://{host}", f"https://{host}") or (program and origin is None)
        return None if safe or own else answer({"error": "writes come from the page itself"}, 403)

    def _welcome(self, scope: Scope) -> Response:
        """Keep the token in a cookie and take it out of the address."""
        rest = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = urlencode([(name, value) for name, value in rest if name != "token"])
        response = Response(status_code=303)
        response.headers["location"] = scope["path"] + (f"?{query}" if query else "")
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="lax")
        return response

    def _cookie_of(self, headers: Headers) -> str:
        morsel = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        return morsel.value if morsel else ""

    def _is_token(self, value: str) -> bool:
        return secrets.compare_digest(value.encode(), self._token.encode())

    def _is_known(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name.lower() in self._names
        return True


def _no_token(scope: Scope) -> Response:
    if scope["path"] == "/":
        return HTMLResponse(ASK_TOKEN, 401)
    return answer({"error": "no token, or not the right one: open the address tv printed"}, 401)


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return guarded


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that stops a body that is longer than it said, or did not say."""
    total = 0

    async def bounded() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY:
            raise Refused(413, f"more than {MAX_BODY >> 20} MiB")
        return message

    return bounded
