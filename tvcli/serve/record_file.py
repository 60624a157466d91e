"""A file of records that a page writes: saved whole after every change, never over another's."""

import threading
from collections.abc import Iterable
from pathlib import Path

from tvcli.core.files.atomic_write import told_unwritable
from tvcli.core.files.locks import writing
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
        """Read the file (again); raises BadInput where it is none of records.

        Then it stays one that was changed, and what was read before is kept.
        """
        with self.lock:
            seen, content = self._signature(), self._content()
            records = [r for r, _ in read_record_file(self.path)] if seen is not None else []
            self.check(records)
            self._seen, self._hash, self.records = seen, content, records

    def check(self, records: list[Record]) -> None:
        """Raise BadInput where these are records of another kind."""

    def save(self, records: Iterable[Record]) -> None:
        """Replace the records in one step.

        Raises:
            Refused: (409) another program has changed or removed the file meanwhile.
            Locked: another program is writing it.
            BadInput: it cannot be written.
        """
        target = self.path.resolve()  # a link stays one
        with self.lock, writing(target):  # nobody writes between the look and the change
            kept = list(records)
            if self.is_changed():
                done = "removed" if self.is_gone() else "changed"
                raise Refused(409, f"{self.path.name} was {done} by another program")
            self._write(target, kept)

    def restore(self) -> None:
        """Write the records again where another program has removed the file; raises as `save`."""
        target = self.path.resolve()
        with self.lock, writing(target):
            if not self.is_gone():
                raise Refused(409, f"{self.path.name} is there")
            self._write(target, self.records)

    def _write(self, target: Path, records: list[Record]) -> None:
        with told_unwritable(self.path):
            write_records(target, records)
        self.records = records
        self._seen, self._hash = self._signature(), self._content()

    def is_gone(self) -> bool:
        """Tell whether there was a file, and another program has removed it."""
        return self._seen is not None and self._signature() is None

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
