"""What the service did, for Prometheus: all workers together."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from tvcli.serve.answers import Refused

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the workers' figures meet; read when it is imported
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


@contextmanager
def shared_figures() -> Iterator[None]:
    """Give the workers to come a folder in which their figures meet, where there is none."""
    if os.environ.get(FOLDER) or not is_measured():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="tv-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def is_measured() -> bool:
    """Tell whether prometheus_client, which counts, is installed."""
    return find_spec("prometheus_client") is not None


class Figures:
    """Searches of this worker, by index and by how they ended; without prometheus_client, none."""

    def __init__(self) -> None:
        self._seconds: Any = None
        if is_measured():
            from prometheus_client import CollectorRegistry, Histogram

            self._registry = CollectorRegistry()
            self._seconds = Histogram(
                "tv_search_seconds",
                "Time to answer a search.",
                ("index", "status"),
                buckets=SECONDS,
                registry=self._registry,
            )

    def searched(self, index: str, status: int, seconds: float) -> None:
        """Count a search."""
        if self._seconds is not None:
            self._seconds.labels(index, str(status)).observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """Return the figures of all workers and their media type; raises Refused (501)."""
        if self._seconds is None:
            raise Refused(501, "metrics need prometheus_client: pip install 'tvcli[serve]'")
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if os.environ.get(FOLDER):  # the files of all workers, rather than this one's registry
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry), CONTENT_TYPE_LATEST
