"""Runs the service until it is ended: one process, or several that share the address."""

from collections.abc import Callable
from functools import partial

from uvicorn.supervisors import Multiprocess

from tvcli.serve.server import AnnouncedServer, listen, server_config
from tvcli.serve.service import ServiceSettings, make_service
from tvcli.serve.service_metrics import shared_figures

GRACE = 10  # seconds that searches under way are given at the end


def run_service(
    settings: ServiceSettings, host: str, port: int, workers: int, announce: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM; what is being answered then is answered to its end.

    Raises:
        BadInput: the address cannot be listened on.
    """
    listener = listen(host, port)
    made = partial(make_service, settings)
    config = server_config(made, GRACE, factory=True, workers=workers)
    try:
        with shared_figures():
            told = partial(announce, f"http://{host}:{listener.getsockname()[1]}")
            if workers == 1:
                AnnouncedServer(config, told).run(sockets=[listener])
            else:
                told()
                Multiprocess(config, sockets=[listener]).run()
    except KeyboardInterrupt:  # how it is ended
        pass
    finally:
        listener.close()
