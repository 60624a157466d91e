"""Answers of the HTTP interface: JSON, and errors as JSON with a status that says what is wrong."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tvcli.core.boxes import Box, as_box
from tvcli.core.errors import Mismatch, TvError, UsageError, without_torch
from tvcli.core.files.locks import Locked
from tvcli.core.files.strict_json import parse_json
from tvcli.core.images.photo import BadImage


class Refused(Exception):
    """A request that cannot be answered: the HTTP status and the reason, for people."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as work sees it: the path's parameters, the query's, and the body."""

    path: dict[str, Any]
    query: QueryParams
    content_type: str
    data: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object of JSON; raises Refused (400) when it is none."""
        try:
            value = parse_json(self.data or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refused(400, "the body is not an object of JSON")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number of the query string; raises Refused (400) outside its bounds."""
        return whole(self.query.get(name, default), name, low, high)


WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
Work = Callable[[Asked], Any]


def whole(value: Any, name: str, low: int, high: int) -> int:
    """Return a whole number; raises Refused (400) when it is none, or outside its bounds."""
    number = int(value) if isinstance(value, str) and WHOLE.fullmatch(value) else value
    if type(number) is not int:
        raise Refused(400, f"{name} must be a whole number")
    if not low <= number <= high:
        raise Refused(400, f"{name} must be {low} to {high}")
    return number


def box_from(value: Any) -> Box | None:
    """Return a box of JSON, or one written `x0,y0,x1,y1`; None for none; else Refused (400)."""
    if value in (None, ""):
        return None
    try:
        return as_box([float(s) for s in value.split(",")] if isinstance(value, str) else value)
    except ValueError as error:
        raise Refused(400, f"box: {error}") from None


def answer(content: Any, status: int = 200) -> Response:
    """Return JSON; file names that are not UTF-8 survive as escaped surrogates."""
    text = json.dumps(content, allow_nan=False)
    return Response(text, status, {"cache-control": "no-store"}, "application/json")


def answering(work: Work) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that does some work on a thread and answers with what it returns."""

    async def endpoint(request: Request) -> Response:
        try:
            content_type = request.headers.get("content-type", "").partition(";")[0].strip()
            data = await request.body()
            asked = Asked(request.path_params, request.query_params, content_type.lower(), data)
            result = await run_in_threadpool(work, asked)
        except Exception as error:
            return explain(error)
        return result if isinstance(result, Response) else answer(result)

    return endpoint


def routes(works: Mapping[str, Work]) -> list[Route]:
    """Return the routes of works by `METHOD /address`, each done on a thread of its own."""
    found = []
    for name, work in works.items():
        method, path = name.split(" ")
        found.append(Route(path, answering(work), methods=[method]))
    return found


def explain(error: Exception) -> Response:
    """Return an error as `{"error": reason}`: whose fault it is decides the status."""
    error = without_torch(error) or error
    if isinstance(error, Refused):
        return answer({"error": error.reason}, error.status)
    if isinstance(error, TvError):
        return answer({"error": str(error)}, _status_of(error))
    if isinstance(error, OSError):
        return answer({"error": f"{error.filename or 'file'}: {error.strerror}"}, 500)
    return answer({"error": f"not expected: {type(error).__name__}: {error}"}, 500)


def _status_of(error: TvError) -> int:
    if isinstance(error, UsageError):
        return 400
    if isinstance(error, Locked):
        return 423
    if isinstance(error, Mismatch):
        return 409
    return 422 if isinstance(error, BadImage) else 404
