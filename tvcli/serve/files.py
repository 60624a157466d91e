"""The files of the pages themselves: HTML, CSS and modules of JavaScript, inside the package."""

from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tvcli.serve.answers import Work, answer, routes

HERE = Path(__file__).parent
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {path.name: path for path in (HERE / "static").iterdir() if path.suffix in TYPES}
FILES["page.css"] = HERE / "page.css"


def application(page: str, pictures: Route, works: Mapping[str, Work]) -> Starlette:
    """Return what answers for a page (an HTML file of ours), what it loads, and what it asks for.

    `pictures` is the route of the photos that it shows, `works` are the others, as `routes` takes
    them.
    """

    async def home(request: Request) -> Response:
        headers = {"cache-control": "no-cache"}
        return FileResponse(HERE / "static" / page, media_type="text/html", headers=headers)

    own = [Route("/", home), Route("/static/{name}", _static), pictures]
    app = Starlette(routes=[*own, *routes(works)])
    app.router.redirect_slashes = False  # no address of ours leads to another
    return app


async def _static(request: Request) -> Response:
    path = FILES.get(request.path_params["name"])
    if path is None:
        return answer({"error": "no such file"}, 404)
    return FileResponse(path, media_type=TYPES[path.suffix], headers={"cache-control": "no-cache"})
