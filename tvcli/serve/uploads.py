"""Photos that were dropped on a page: kept in memory by their content, the newest ones."""

import threading
from collections import OrderedDict

from tvcli.core.images.photo import digest
from tvcli.serve.answers import Refused
from tvcli.serve.thumbnails import shrink
from tvcli.serve.turns import check_pixels

KEPT = 256 * 2**20  # bytes of all uploads together


class Uploads:
    """Uploaded photos by the hash of their content, so that an address can name one."""

    def __init__(self) -> None:
        self._files = OrderedDict[str, bytes]()
        self._lock, self._drawing = threading.Lock(), threading.Lock()
        self._shown: tuple[str, bytes] | None = None  # the picture that was drawn last

    def add(self, data: bytes) -> str:
        """Keep a photo and return its name; raises BadImage for what is none, or too large."""
        check_pixels(data)
        name = digest(data)
        with self._lock:
            self._files[name] = data
            self._files.move_to_end(name)
            while sum(map(len, self._files.values())) > KEPT and len(self._files) > 1:
                self._files.popitem(last=False)
        return name

    def get(self, name: object) -> bytes:
        """Return an uploaded photo; raises Refused (404) when it is no longer kept."""
        with self._lock:
            data = self._files.get(str(name))
        if data is None:
            raise Refused(404, "this file is no longer here: drop it again")
        return data

    def picture(self, name: str) -> bytes:
        """Return an uploaded photo as a JPEG to look at; raises as `get` does, or BadImage."""
        data = self.get(name)
        with self._drawing:  # drawn once, however often it is asked for
            if self._shown is None or self._shown[0] != name:
                self._shown = name, shrink(data, "view")
            return self._shown[1]
