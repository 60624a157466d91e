"""The visual words that an index keeps of its photos: which share the most with a query."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.engines import Rows
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Artifact, write_artifact
from tvcli.core.matching.inverted_file import InvertedFile, Lists, inverted_lists
from tvcli.core.matching.vocabulary import NONE, Vocabulary, drawn_vocabulary

NAME = "words-{}.h5"
PHOTOS_A_BLOCK = 256  # photos whose words are looked up and written at a time
KINDS_OF_LISTS = {
    "photos": "int32",
    "times": "uint8",
    "starts": "int64",
    "weights": "float32",
    "lengths": "float32",
}
SAMPLE = 2000  # photos that words are drawn from: 1,000,000 descriptors
LISTS = "inverted_"  # before the names of the inverted lists in a file's state
MEND = "no inverted lists of its words ({}); index again"
GROWN = 4  # times as many photos as when the words were drawn: then they are drawn anew


class KeptWords:
    """The words of an index's photos as an inverted file, by row of the index."""

    def __init__(self, file: Artifact, places: Rows) -> None:
        """Open them: `places` (n,) tell at which row of the file each row is, -1 for none.

        Raises:
            BadInput: the file is damaged.
        """
        self.vocabulary, self._file = _vocabulary(file), file
        self._places = places
        self._inverted = InvertedFile(_lists(file))

    def of(self, rows: Rows) -> list[npt.NDArray[np.uint16] | None]:
        """Return the words of the key points of rows, (COUNT,), NONE beyond; None if not known."""
        places = self._places[rows]
        words = iter(self._file.read("words", places[places >= 0]))
        return [None if place < 0 else next(words) for place in places.tolist()]

    def shared(self, sides: Sequence[npt.NDArray[np.uint16]]) -> npt.NDArray[np.float32]:
        """Return how much each row (n,) shares with the words (m,) of a query's better side."""
        try:
            scores = np.max([self._inverted.scores(words) for words in sides], axis=0)
            found: npt.NDArray[np.float32] = np.where(self._places < 0, 0, scores[self._places])
        except IndexError as error:
            raise BadInput(f"{self._file.path}: {MEND.format(error)}") from error
        return found


def write_words(path: Path, keypoints: Artifact, known: Artifact | None) -> None:
    """Write the words of all photos of a file of key points; the vocabulary is the `known` one.

    It is drawn from the photos' own descriptors where there is none, or where there are many more
    photos than there were. Without key points no file is written. In memory are the words, 1 kB a
    photo, and their inverted lists, some 2.5 kB a photo.

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
    words: list[npt.NDArray[np.uint16]] = []
    about = keypoints.settings | {"drawn_from": drawn_from}  # they are of the same rows
    with write_artifact(path, "words", about, {}) as writer:
        for rows in keypoints.blocks(PHOTOS_A_BLOCK):
            columns: dict[str, Any] = {
                name: keypoints.read(name, rows) for name in ("image", "digest", "region")
            }
            descriptors, counts = keypoints.read("descriptors", rows), keypoints.read("count", rows)
            columns["words"] = np.full(descriptors.shape[:2], NONE, np.uint16)
            there = np.arange(descriptors.shape[1]) < counts[:, None]
            columns["words"][there] = vocabulary.words_of(descriptors[there])
            writer.append(columns)
            words.append(columns["words"])
        tree = {name: getattr(vocabulary, name) for name in ("words", "roots", "starts")}
        lists = {LISTS + name: values for name, values in inverted_lists(words).items()}
        writer.write_state(tree | lists)


def _drawn(keypoints: Artifact) -> Vocabulary | None:
    rows = np.unique(np.linspace(0, len(keypoints) - 1, SAMPLE).astype(np.intp))
    if not len(keypoints):
        return None
    parts = []
    for some in np.array_split(rows, -(-len(rows) // PHOTOS_A_BLOCK)):
        descriptors, counts = keypoints.read("descriptors", some), keypoints.read("count", some)
        parts.append(descriptors[np.arange(descriptors.shape[1]) < counts[:, None]])
    return drawn_vocabulary(np.concatenate(parts), seed=0)


def _lists(file: Artifact) -> Lists:
    """Return the inverted lists of a file of words, made anew where an older tv left them out.

    Raises:
        BadInput: they are none.
    """
    lists = {
        name.removeprefix(LISTS): values
        for name, values in file.map_state(LISTS + name for name in KINDS_OF_LISTS).items()
    }
    if not lists:
        return inverted_lists([file.read("words", rows) for rows in file.blocks(PHOTOS_A_BLOCK)])
    kinds = {name: values.dtype.name for name, values in lists.items()}
    if kinds != KINDS_OF_LISTS or any(values.ndim != 1 for values in lists.values()):
        raise BadInput(f"{file.path}: {MEND.format(kinds)}")
    starts, photos = lists["starts"], lists["photos"]
    sound = (
        len(starts) == int(NONE) + 2
        and starts[0] == 0
        and starts[-1] == len(photos) == len(lists["times"])
        and bool((np.diff(starts) >= 0).all())
        and len(lists["weights"]) == int(NONE) + 1
        and len(lists["lengths"]) == len(file)
        and bool((lists["lengths"] > 0).all())
    )
    if not sound:
        raise BadInput(f"{file.path}: {MEND.format('of other lengths')}")
    return lists


def _vocabulary(file: Artifact) -> Vocabulary:
    """Return the vocabulary of a file of words; raises BadInput where it is none."""
    state = file.map_state(("words", "roots", "starts"))
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
