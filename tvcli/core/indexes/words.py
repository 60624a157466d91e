"""The visual words that an index keeps of its photos: which share the most with a query."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.engines import Rows
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Artifact, write_artifact
from tvcli.core.indexes.contents import Content, contents_of
from tvcli.core.matching.inverted_file import InvertedFile
from tvcli.core.matching.vocabulary import NONE, Vocabulary, drawn_vocabulary

NAME = "words-{}.h5"
PHOTOS_A_BLOCK = 256  # photos whose words are looked up and written at a time
SAMPLE = 2000  # photos that words are drawn from: 1,000,000 descriptors
GROWN = 4  # times as many photos as when the words were drawn: then they are drawn anew


class KeptWords:
    """The words of an index's photos as an inverted file, by row of the index."""

    def __init__(self, file: Artifact, rows: dict[Content, int], count: int) -> None:
        """Open them: `rows` tells which row of `count` has which content.

        Raises:
            BadInput: the file is damaged.
        """
        self.vocabulary = _vocabulary(file)
        self._words = file.read("words")
        known = [rows.get(key, -1) for key in contents_of(file)]
        self._rows, self._count = np.array(known, np.intp), count
        self._places = np.full(count, -1, np.intp)
        self._places[self._rows[self._rows >= 0]] = np.flatnonzero(self._rows >= 0)
        self._inverted = InvertedFile(self._words)

    def of(self, rows: Rows) -> list[npt.NDArray[np.uint16] | None]:
        """Return the words of the key points of rows, (COUNT,), NONE beyond; None if not known."""
        places = self._places[rows].tolist()
        return [None if place < 0 else self._words[place] for place in places]

    def shared(self, sides: Sequence[npt.NDArray[np.uint16]]) -> npt.NDArray[np.float32]:
        """Return how much each row (n,) shares with the words (m,) of a query's better side."""
        found = np.zeros(self._count, np.float32)
        there = self._rows >= 0
        for words in sides:
            np.maximum.at(found, self._rows[there], self._inverted.scores(words)[there])
        return found


def write_words(path: Path, keypoints: Artifact, known: Artifact | None) -> None:
    """Write the words of all photos of a file of key points; the vocabulary is the `known` one.

    It is drawn from the photos' own descriptors where there is none, or where there are many more
    photos than there were. Without key points no file is written.

    Raises:
        BadInput: it cannot be written, or the known file is damaged.
    """
    drawn_from = int(known.settings["drawn_from"]) if known else 0
    if known is None or len(keypoints) >= GROWN * drawn_from:
        vocabulary, drawn_from = _drawn(keypoints), len(keypoints)
    else:
        vocabulary = _vocabulary(known)
    if vocabulary is None:
        return
    with write_artifact(path, "words", {"drawn_from": drawn_from}, {}) as writer:
        for start in range(0, len(keypoints), PHOTOS_A_BLOCK):
            rows = slice(start, min(start + PHOTOS_A_BLOCK, len(keypoints)))
            columns: dict[str, Any] = {
                name: keypoints.read(name, rows) for name in ("image", "digest", "region")
            }
            descriptors, counts = keypoints.read("descriptors", rows), keypoints.read("count", rows)
            columns["words"] = np.full(descriptors.shape[:2], NONE, np.uint16)
            there = np.arange(descriptors.shape[1]) < counts[:, None]
            columns["words"][there] = vocabulary.words_of(descriptors[there])
            writer.append(columns)
        writer.write_state(
            {name: getattr(vocabulary, name) for name in ("words", "roots", "starts")}
        )


def _drawn(keypoints: Artifact) -> Vocabulary | None:
    rows = np.unique(np.linspace(0, len(keypoints) - 1, SAMPLE).astype(np.intp))
    if not len(keypoints):
        return None
    parts = []
    for some in np.array_split(rows, -(-len(rows) // PHOTOS_A_BLOCK)):
        descriptors, counts = keypoints.read("descriptors", some), keypoints.read("count", some)
        parts.append(descriptors[np.arange(descriptors.shape[1]) < counts[:, None]])
    return drawn_vocabulary(np.concatenate(parts), seed=0)


def _vocabulary(file: Artifact) -> Vocabulary:
    """Return the vocabulary of a file of words; raises BadInput where it is none."""
    state = file.state()
    words, roots = (state.get(name, np.zeros(0)) for name in ("words", "roots"))
    for values in (words, roots):
        if values.ndim != 2 or values.shape[1] != 32 or values.dtype != np.uint8:
            raise BadInput(f"{file.path}: no visual words; keep them again: tv index --keypoints")
    if not 0 < len(roots) <= len(words) < int(NONE):
        raise BadInput(f"{file.path}: {len(words)} visual words below {len(roots)}")
    starts = state.get("starts")  # files of older versions lack them
    if starts is not None:
        ends = np.array([0, len(words)])
        rising = starts.shape == (len(roots) + 1,) and starts.dtype.kind == "i"
        if not (rising and (np.diff(starts) >= 0).all() and (starts[[0, -1]] == ends).all()):
            raise BadInput(f"{file.path}: visual words below no root of theirs; index again")
    return Vocabulary(words, roots, starts)
