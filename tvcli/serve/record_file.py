"""A file of records that a page writes: saved whole after every change, never over another's."""

import threading
from collections.abc import Iterable
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.provenance import file_hash
from tvcli.core.files.records import Record, read_record_file, write_records
from tvcli.serve.answers import Refused

Signature = tuple[int, int, int] | None


class RecordFile:
    """The records of a file (none if it is not there yet), and whether it is still as it was read.

    Records of other programs, and fields this page knows nothing of, are kept as they are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.records: list[Record] = []
        self.load()

    def load(self) -> None:
        """Read the file (again); raises BadInput where it is none of records."""
        with self.lock:
            self._seen, self._hash = self._signature(), self._content()
            there = self._seen is not None
            self.records = [r for r, _ in read_record_file(self.path)] if there else []

    def save(self, records: Iterable[Record]) -> None:
        """Replace the records in one step.

        Raises:
            Refused: (409) another program has changed the file meanwhile.
            BadInput: it cannot be written.
        """
        with self.lock:
            kept = list(records)
            if self.is_changed():
                raise Refused(409, f"{self.path.name} was changed by another program")
            try:
                write_records(self.path.resolve(), kept)  # a link stays one
            except OSError as error:
                raise BadInput(f"{self.path}: cannot be written: {error.strerror}") from error
            self.records = kept
            self._seen, self._hash = self._signature(), self._content()

    def is_changed(self) -> bool:
        """Tell whether the file holds something else than what was read or saved last."""
        with self.lock:
            now = self._signature()
            if now == self._seen:
                return False
            if self._content() == self._hash:  # touched, or written again with the same content
                self._seen = now
                return False
            return True

    def _signature(self) -> Signature:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _content(self) -> str | None:
        return file_hash(self.path) if self.path.is_file() else None
