"""The files of the pages themselves: HTML, CSS and modules of JavaScript, inside the package."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tvcli.serve.answers import answer

HERE = Path(__file__).parent
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {path.name: path for path in (HERE / "static").iterdir() if path.suffix in TYPES}
FILES["page.css"] = HERE / "page.css"


def file_routes(page: str) -> list[Route]:
    """Return the routes of a page (an HTML file of ours) and of what it loads."""

    async def home(request: Request) -> Response:
        headers = {"cache-control": "no-cache"}
        return FileResponse(HERE / "static" / page, media_type="text/html", headers=headers)

    return [Route("/", home), Route("/static/{name}", _static)]


async def _static(request: Request) -> Response:
    path = FILES.get(request.path_params["name"])
    if path is None:
        return answer({"error": "no such file"}, 404)
    return FileResponse(path, media_type=TYPES[path.suffix], headers={"cache-control": "no-cache"})
