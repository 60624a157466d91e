"""The map of one index: its layouts, each made once, on a thread of its own."""

import threading
from collections import Counter
from typing import Any
from uuid import uuid4

import numpy as np

from tvcli.core.errors import reason_of
from tvcli.core.indexes.index import Index
from tvcli.core.layouts.layout import Layout, lay_out, methods
from tvcli.serve.facets import Facets

COLOURED = 10  # labels, and folders, that have a colour of their own: the most frequent ones
SIDE = 65535  # places along the longer side of a map
PATIENCE = 20.0  # seconds


class Maps:
    """Layouts of an open index by method, made when first asked for."""

    def __init__(self, index: Index, facets: Facets) -> None:
        self._index, self._facets = index, facets
        self._lock = threading.Lock()
        self._made: dict[str, dict[str, Any]] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._ended = False

    def ask(self, method: str, known: str = "") -> dict[str, Any]:
        """Return a layout if it is made, and how far it is otherwise; it is begun if it is not.

        A page that has the layout already says which (`known`, its `id`) and is not sent it again.
        """
        with self._lock:
            if method not in self._threads:
                self._threads[method] = threading.Thread(
                    target=self._make, args=(method,), daemon=True
                )
                self._threads[method].start()
            made = self._made.get(method, {"state": "computing"})
            if made["state"] == "failed":  # told once: who asks again has it tried again
                del self._threads[method], self._made[method]
        told = {"layouts": methods(), "rows": len(self._index)}
        if known and made.get("id") == known:
            return told | {"state": "known", "id": known}
        return told | made

    def settle(self) -> None:
        """End what is being made, before the index is closed."""
        self._ended = True
        for thread in self._threads.values():
            thread.join(PATIENCE)

    def _make(self, method: str) -> None:
        try:
            made = self._shown(lay_out(self._index, method, self._go_on))
        except _Ended:
            return
        except Exception as error:
            made = {"state": "failed", "error": reason_of(error)}
        with self._lock:
            self._made[method] = made

    def _go_on(self) -> None:
        if self._ended:
            raise _Ended

    def _shown(self, layout: Layout) -> dict[str, Any]:
        """Return a layout as a page is told of it: places are whole numbers, right and down."""
        low, high = layout.points.min(0), layout.points.max(0)
        places = (layout.points - low) / max(float((high - low).max()), 1e-9) * SIDE  # (n, 2)
        places += (SIDE - places.max(0)) / 2  # the shorter side in the middle
        x, y = np.rint(places).astype(int).T
        rows = layout.rows.tolist()
        return {
            "state": "ready",
            "id": uuid4().hex,
            "step": rows[1] - rows[0] if len(rows) > 1 else 1,
            "side": SIDE,
            "x": x.tolist(),
            "y": (SIDE - y).tolist(),
            "explained": layout.explained,
            "label": _groups([self._index.labels[row] for row in rows]),
            "folder": _groups([self._facets.folder(row) for row in rows]),
        }


class _Ended(Exception):
    """The index is about to be closed."""


def _groups(names: list[str]) -> dict[str, Any]:
    """Return the most frequent names, and for each row which of them it has; -1: none, or another.

    A name that is empty is none.
    """
    counts = Counter(name for name in names if name)
    frequent = [name for name, _ in counts.most_common(COLOURED)]
    places = {name: place for place, name in enumerate(frequent)}
    return {"names": frequent, "of": [places.get(name, -1) for name in names]}
