"""`tv serve`: the HTTP interface alone, for programs."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal import options
from tvcli.terminal.logs import tell
from tvcli.terminal.progress import reporting


def serve(
    *,
    indexes: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INDEX",
            help="The indexes to serve, each called by its name.  [default: $TV_INDEX, else the "
            "nearest .tv/]",
        ),
    ] = None,
    photos: Annotated[
        list[str] | None,
        typer.Option(
            "--photos",
            metavar="[PREFIX=]DIR",
            help="Let requests name photos of this folder, by their names in it or by addresses "
            "that begin with PREFIX. Nothing is fetched. Repeatable.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            help="The file with the token that requests must have.  [default: $TV_SERVE_TOKEN]",
        ),
    ] = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 7000,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="How many processes answer.")
    ] = 1,
    root: options.PhotosRoot = None,
    weights: options.Weights = None,
) -> None:
    """Serve searches over HTTP to other programs.

    POST /v1/search answers with the hits for a photo that is sent, for an item of the index, or for
    examples. /openapi.json describes it, /health tells that it answers, and /metrics has its
    figures for Prometheus. Requests need a token. An index that tv index updates is reloaded
    without a pause. SIGTERM and Ctrl-C let what is being answered come to its end.

    \b
    Examples:
      tv serve photos.tvx --token-file token        # openssl rand -hex 32 > token
      tv serve photos.tvx --token-file token --host 0.0.0.0 --workers 4
      tv serve shop.tvx --token-file token --photos https://img.shop.example/=/srv/img
      curl -H "Authorization: Bearer $(cat token)" --data-binary @img.jpg \\
        -H "Content-Type: image/jpeg" 'http://127.0.0.1:7000/v1/search?k=5'
    """
    from tvcli.core.files.project_settings import index_or_default
    from tvcli.serve.service import ServiceSettings, check_settings
    from tvcli.serve.service_gate import service_token
    from tvcli.serve.storage import Storage
    from tvcli.serve.workers import run_service

    settings = ServiceSettings(
        indexes=tuple(indexes or [index_or_default(None)]),
        token=service_token(token_file),
        root=root,
        storages=tuple(Storage.parse(text) for text in photos or ()),
        weights=weights,
    )
    with reporting() as report:
        served = ", ".join(check_settings(settings, report))

    def announce(address: str) -> None:
        tell(f"{address} serves {served}\nCtrl-C ends it.", event="address", address=address)

    run_service(settings, host, port, workers, announce)
