"""The file of clicks: what was said of hits in the gallery, as `tv triplets --clicks` reads it."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tvcli.core.boxes import Box
from tvcli.core.files.paths import folder_of
from tvcli.core.files.records import Record
from tvcli.serve.answers import Refused
from tvcli.serve.finder import Finder
from tvcli.serve.record_file import RecordFile


class ClickFile(RecordFile):
    """Judgements `{"query","image","relevant"}`, each once; the last word on a hit counts."""

    def __len__(self) -> int:
        return len(self.records)

    def add(
        self,
        finder: Finder,
        row: int | None,
        box: Box | None,
        likes: list[int],
        unlikes: list[int],
        taken_back: Sequence[int] = (),
    ) -> int:
        """Add what was said of the hits of a query, and return how many judgements are new.

        What was said of hits that are `taken_back` goes.

        A query that is no photo of the index (a dropped file) stands aside: its first like takes
        its place. Raises Refused (400) where nothing is left to learn from, and as `save` does.
        """
        if row is None and likes:
            row, box, likes = likes[0], None, likes[1:]
        if row is None or not (likes or unlikes or taken_back):
            raise Refused(400, "say yes or no to some hits first")
        query = self._item(finder, row) | ({"box": list(box)} if box else {})
        said = [(hit, True) for hit in likes] + [(hit, False) for hit in unlikes]
        new = [self._judgement(query, finder, hit, yes) for hit, yes in said if hit != row]
        with self.lock:
            kept = {_key(record): record for record in self.records}
            added = sum(kept.get(_key(record)) != record for record in new)
            kept |= {_key(record): record for record in new}
            for hit in taken_back:
                kept.pop(_key(self._judgement(query, finder, hit, True)), None)
            self.save(kept.values())
        return added

    def _judgement(self, query: Record, finder: Finder, row: int, relevant: bool) -> Record:
        return {"query": query, **self._item(finder, row), "relevant": relevant}

    def _item(self, finder: Finder, row: int) -> Record:
        return item_record(finder, row, self.path)


def item_record(finder: Finder, row: int, target: Path) -> Record:
    """Return a row as an item of a file at `target`: its photo, and the box if it is of a part."""
    folder = folder_of(target)
    image = os.path.relpath(finder.index.root / finder.index.images[row], folder)
    box = finder.index.columns(np.array([row], np.intp))["box"][0]
    return {"image": image} | ({} if np.isnan(box).any() else {"box": box.tolist()})


def _key(record: Record) -> str:
    """Return what two judgements of one hit have in common; a record of others has all of it."""
    about = [record.get(name) for name in ("query", "image", "box")]
    return repr(about if "query" in record else record)
