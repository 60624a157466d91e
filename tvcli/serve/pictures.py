"""`/pictures/PLACE`: the photos of a collection as JPEG, by their place in it."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tvcli.serve.answers import Refused, explain
from tvcli.serve.collection import Collection
from tvcli.serve.thumbnails import SIDES, Thumbnails

CollectionOf = Callable[[Request], Collection]


def picture_route(collection_of: CollectionOf, thumbnails: Thumbnails) -> Route:
    """Return the route that serves pictures; `?size=thumb|view|full`."""

    def picture(request: Request) -> Response:
        size = request.query_params.get("size", "thumb")
        if size not in SIDES:
            raise Refused(400, f"size is one of {', '.join(SIDES)}")
        path = collection_of(request).path(request.path_params["place"])
        headers = {"etag": f'"{thumbnails.tag(path, size)}"', "cache-control": "private, no-cache"}
        if Headers(scope=request.scope).get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(thumbnails.jpeg(path, size), media_type="image/jpeg", headers=headers)

    async def endpoint(request: Request) -> Response:
        try:
            return await run_in_threadpool(picture, request)
        except Exception as error:
            return explain(error)

    return Route("/pictures/{place:int}", endpoint)
