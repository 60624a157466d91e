"""Who may use the service: whoever has its token; and how much may be sent."""

import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from tvcli.core.errors import BadInput
from tvcli.serve.access import MAX_BODY, BoundedGate, bearer, too_much
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


class ServiceGate(BoundedGate):
    """Lets a request through that has the token in `Authorization: Bearer`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        super().__init__(app)
        self._token = token

    def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is too large, or without the token."""
        is_open = scope["path"] in OPEN
        if refusal := too_much(scope, headers, MAX_BODY, is_open=is_open):
            return refusal
        if is_open or is_same(bearer(headers), self._token):
            return None
        refusal = answer({"error": "no token, or not the right one"}, 401)
        refusal.headers["www-authenticate"] = "Bearer"
        return refusal
