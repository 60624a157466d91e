"""Who may use the service: whoever has its token; and how much may be sent."""

import asyncio
import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tvcli.core.errors import BadInput
from tvcli.serve.access import (
    AT_ONCE,
    LARGE,
    MAX_BODY,
    MAX_PATH,
    announced_length,
    bounded,
    is_large,
    with_headers,
)
from tvcli.serve.answers import answer
from tvcli.serve.entrance import is_same

LEAST = 16  # letters of a token: fewer are soon guessed
MOST = 4096
VARIABLE = "TV_SERVE_TOKEN"
OPEN = frozenset(("/health", "/openapi.json"))  # what a load balancer and a developer read


def service_token(file: Path | None) -> str:
    """Return the token of a file's first line, or of the environment.

    Raises:
        BadInput: there is none, or it is too short.
    """
    where = f"${VARIABLE}" if file is None else str(file)
    try:
        token = os.environ.get(VARIABLE, "") if file is None else file.read_text("utf-8")[:MOST]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: no token can be read: {error}") from error
    token = token.strip().partition("\n")[0]
    if not token:
        raise BadInput(
            f"{where}: no token; make one: openssl rand -hex 32 > token, and name it: "
            f"--token-file token, or put it into ${VARIABLE}"
        )
    if len(token) < LEAST or not token.isascii() or not token.isprintable():
        raise BadInput(f"{where}: a token has at least {LEAST} letters, digits or signs of ASCII")
    return token


class ServiceGate:
    """Lets a request through that has the token in `Authorization: Bearer`; bounds its body."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token
        self._large = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        guarded, headers = with_headers(send), Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            refusal.headers["connection"] = "close"  # its body was not read
            await refusal(scope, receive, guarded)
        elif is_large(headers):
            async with self._large:
                await self._app(scope, bounded(receive, MAX_BODY), guarded)
        else:
            await self._app(scope, bounded(receive, LARGE), guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if len(scope["path"]) > MAX_PATH:
            return answer({"error": "no such address"}, 414)
        if announced_length(headers) > MAX_BODY:
            return answer({"error": f"more than {MAX_BODY / 2**20:g} MiB"}, 413)
        if scope["path"] in OPEN and (announced_length(headers) or is_large(headers)):
            return answer({"error": "no body is taken here"}, 413)  # of those without a token
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if scope["path"] in OPEN or is_same(given, self._token):
            return None
        refusal = answer({"error": "no token, or not the right one"}, 401)
        refusal.headers["www-authenticate"] = "Bearer"
        return refusal
