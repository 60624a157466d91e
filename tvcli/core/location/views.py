"""What the heads see in views of photos: every window's box in the photo, and its probability."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from PIL import ImageOps

from tvcli.core.boxes import Box
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.heads import HeadFile
from tvcli.core.images.photo import Photo, Pixels, resize_region
from tvcli.core.location.box_fusion import Boxes, Labels, Weights


class Windows(NamedTuple):
    """Boxes (N, 4) in pixels of the photo, their probabilities (N,), and what they show (N,).

    `labels` are numbers of the labels that the classifier learned, 0 where it learned none.
    """

    boxes: Boxes
    weights: Weights
    labels: Labels

    @classmethod
    def together(cls, parts: Iterable["Windows"]) -> "Windows":
        """Return the windows of all parts, of which there must be one at least."""
        boxes, weights, labels = zip(*parts, strict=True)
        return cls(np.concatenate(boxes), np.concatenate(weights), np.concatenate(labels))

    def unnamed(self) -> "Windows":
        """Return the windows as if the classifier had learned no labels."""
        return self._replace(labels=np.zeros_like(self.labels))

    def chosen(self, which: npt.NDArray[np.bool_]) -> "Windows":
        """Return some of the windows, by a mask (N,)."""
        return Windows(self.boxes[which], self.weights[which], self.labels[which])


NO_WINDOWS = Windows(np.empty((0, 4)), np.empty(0), np.empty(0, np.intp))


class Heads(Protocol):
    """Both heads, whatever runs them.

    A call takes maps (N, C, h, w) as the network's runtime has them and gives answers (N, 5 + L,
    h', w'): of every window its box, relative to it, the probability of the object, and the logits
    of the L labels that the classifier tells apart.
    """

    classifier: HeadFile
    boxes: HeadFile

    def __call__(self, maps: Any) -> Any:
        """Return the answers of all windows."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """A region inside a photo, scaled to `width` x `height` pixels, perhaps seen in a mirror."""

    photo: Photo
    region: Box
    width: int
    height: int
    mirror: bool = False

    def pixels(self) -> Pixels:
        """Return what the network gets: (height, width, 3) uint8."""
        picture = resize_region(self.photo, self.region, (self.width, self.height))
        return np.asarray(ImageOps.mirror(picture) if self.mirror else picture)


class Viewer:
    """Looks at views with a backbone and both heads, those of one shape together."""

    def __init__(self, encoder: Encoder, heads: Heads) -> None:
        self._network, self._heads = encoder.network, heads
        self.size = encoder.settings.size
        self._stride = self._network.stride or self.size  # found here: tracing is not for threads
        self._pixels_at_once = encoder.batch * self.size**2

    def see(self, views: Sequence[View]) -> list[Windows]:
        """Return the windows of every view."""
        shapes: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for number, view in enumerate(views):
            shapes[view.width, view.height].append(number)
        found: dict[int, Windows] = {}
        for (width, height), numbers in shapes.items():
            together = max(1, self._pixels_at_once // (width * height))
            for start in range(0, len(numbers), together):
                block = numbers[start : start + together]
                pictures = np.stack([views[number].pixels() for number in block])
                answers = self._network.rows(pictures, self._heads)  # (n, 5, h', w')
                for number, answer in zip(block, answers, strict=True):
                    found[number] = self._placed(views[number], answer.astype(np.float64))
        return [found[number] for number in range(len(views))]

    def _placed(self, view: View, answers: Boxes) -> Windows:
        """Return answers (5 + L, h', w') about windows of a view as boxes in the photo."""
        rows, columns = answers.shape[1:]
        tops, lefts = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        starts = np.stack([lefts.ravel(), tops.ravel()], 1) * float(self._stride)  # (N, 2)
        relative = answers[:4].reshape(4, -1).T  # (N, 4)
        corners = np.tile(starts, 2) + relative * self.size  # in pixels of the view
        if view.mirror:
            corners[:, [0, 2]] = view.width - corners[:, [2, 0]]
        x0, y0, x1, y1 = view.region
        scale = np.array([(x1 - x0) / view.width, (y1 - y0) / view.height])
        corners = corners * np.tile(scale, 2) + np.array([x0, y0, x0, y0])
        low = np.minimum(corners[:, :2], corners[:, 2:] - 1)  # an inverted answer is a thin box
        logits = answers[5:].reshape(-1, rows * columns)  # (L, N)
        labels = logits.argmax(0) if len(logits) else np.zeros(rows * columns, np.intp)
        return Windows(np.concatenate([low, corners[:, 2:]], 1), answers[4].ravel(), labels)
