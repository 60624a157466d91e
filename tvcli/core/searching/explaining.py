"""Explaining hits: a picture for each that shows what made it similar to its query."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.geometry import Geometry
from tvcli.core.boxes import Box, as_box, clip
from tvcli.core.encoding.pooling import MAP, NONE, pooling_of
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.atomic_write import atomic_write, told_unwritable
from tvcli.core.files.own_files import check_own
from tvcli.core.images.own_pictures import marked
from tvcli.core.images.photo import BadImage, Photo, decode_photo, read_photo, view
from tvcli.core.indexes.index import Index
from tvcli.core.searching.contributions import (
    Space,
    class_activations,
    explain_pair,
    explain_refined,
)
from tvcli.core.searching.overlays import Panel, draw_rows
from tvcli.core.searching.queries import Query
from tvcli.core.searching.query_projection import QueryProjection

if TYPE_CHECKING:
    from tvcli.core.backbones.layers import Classifier
    from tvcli.core.backbones.specs import Device
    from tvcli.core.encoding.encoder import Encoder

Array = npt.NDArray[np.float32]
Seen = tuple[Photo, Box, bool, Array]  # a photo, the region of it, mirrored or not, its map

HOTTEST = 0.98  # quantile of what both maps add that is drawn hottest: one place may stand out far
LONGEST = 48  # letters of a photo's name in that of its picture: systems take 255 bytes
NEAR = 2  # positions by which a map may differ from what its geometry says: padding


class Explainer:
    """Draws what made a photo similar to one of the index, by the encoder's maps.

    With `maps` a similarity is that of the maps (after a re-rank), else that of the vectors. With
    `classes` the picture also has the class activation maps of the query's likeliest class.

    Raises:
        UsageError: the vectors have no positions, or with `classes` the backbone no classifier.
    """

    def __init__(
        self, index: Index, encoder: "Encoder", *, maps: bool = False, classes: bool = False
    ) -> None:
        self._index, self._encoder = index, encoder
        self._space, self._classes = _space(QueryProjection(index), maps=maps), classes
        if classes:
            self._classifier = _classifier(encoder)

    def photo(self, data: bytes, crop: Box | None = None, *, flip: bool = False) -> Seen:
        """Return a photo as it is encoded: a region of it, mirrored or not, with its map.

        Raises:
            BadImage: it cannot be used.
        """
        settings = self._encoder.settings
        crops = [] if crop is None else [crop]
        photo = decode_photo(data, size=settings.size, crops=crops, colour=settings.colour)
        pixels = view(photo, crop, settings.size, settings.fit, flip=flip)
        region = (crop and clip(crop, photo.width, photo.height)) or photo.whole
        return photo, region, flip, self._encoder.encode([pixels])[0]

    def row(self, row: int) -> tuple[str, Seen]:
        """Return the name of a row's photo, and the photo as it was encoded.

        Raises:
            BadImage: it is gone, or cannot be used.
        """
        known = self._index.columns(np.array([row]))
        photo = self._index.root / known["image"][0]
        crop, flip = as_box(known["region"][0].tolist()), bool(known["flip"][0])
        return photo.stem, self.photo(read_photo(photo), crop, flip=flip)

    def draw(
        self,
        query: Seen,
        hit: Seen,
        similarity: float | None = None,
        refined: tuple[Array, float] | None = None,
    ) -> Image:
        """Return the picture of what each place of a query and a hit adds to their similarity.

        `similarity` is the one that the hit was found with, where it is known; `refined` the unit
        vector (D,) that the query became by examples, and its own share in that.
        """
        found, first, second = explain_pair(query[3], hit[3], self._space)
        if refined is not None:
            first, second = explain_refined(query[3], hit[3], self._space, *refined)
        title = f"similarity {found if similarity is None else similarity:.3f}: "
        title += "what each place adds to it"
        rows = [(title, self._panels((query, hit), (first, second)))]
        if self._classes:
            rows.append(self._by_class((query, hit)))
        return draw_rows(rows)

    def _panels(self, seen: tuple[Seen, Seen], heats: tuple[Array, Array]) -> list[Panel]:
        every = np.concatenate([heat.ravel() for heat in heats])
        hottest = float(np.quantile(every, HOTTEST))
        settings = self._encoder.settings
        return [
            Panel(
                photo,
                region,
                settings.fit,
                heat / max(hottest, 1e-12),
                self._geometry(heat),
                settings.size,
                flip,
            )
            for (photo, region, flip, _), heat in zip(seen, heats, strict=True)
        ]

    def _geometry(self, heat: Array) -> Geometry | None:
        """Return how the map lies over the pixels; None where it is not known, or of a grid."""
        if self._space.pool != MAP and pooling_of(self._space.pool).has_grid:
            return None
        try:
            geometry = self._encoder.geometry
        except UsageError:
            return None
        expected = self._encoder.settings.size / geometry.stride
        return geometry if abs(expected - heat.shape[0]) <= NEAR else None

    def _by_class(self, seen: tuple[Seen, Seen]) -> tuple[str, list[Panel]]:
        weights, bias = self._classifier
        first, second = (class_activations(encoding, weights) for _, _, _, encoding in seen)
        likeliest = int((first.mean(axis=(1, 2)) + bias).argmax())
        title = f"class activation maps of class {likeliest}, the query's likeliest"
        return title, self._panels(seen, (first[likeliest], second[likeliest]))


class ExplainedHits:
    """Writes a picture for each hit into a folder, and names it.

    Raises:
        BadInput: the folder cannot be made.
    """

    def __init__(self, explainer: Explainer, folder: Path) -> None:
        self._explainer, self._folder = explainer, folder
        self._last: tuple[Query, Seen] | None = None
        self._asked = 0
        with told_unwritable(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, query: Query, row: int, rank: int) -> str:
        """Write the picture for a hit, and return its path; empty for a photo that is gone.

        Raises:
            UsageError: a query of examples, which is no photo.
            BadInput: the query's photo cannot be used, or the picture not be written.
        """
        own = self._query(query)
        try:
            name, other = self._explainer.row(row)
        except BadImage:
            return ""
        file = self._folder / f"{self._asked:04d}-{rank:03d}-{name[:LONGEST]}.png"
        check_own(file, "picture")
        drawn = self._explainer.draw(own, other)
        with told_unwritable(file), atomic_write(file) as partial:
            drawn.save(partial, "PNG", optimize=True, pnginfo=marked())
        return str(file)

    def _query(self, query: Query) -> Seen:
        if self._last is None or self._last[0] is not query:
            if not query.photo and query.data is None:
                raise UsageError("--explain: goes with photos and --item, not with --like")
            try:
                data = query.data or read_photo(Path(query.photo))
                self._last = query, self._explainer.photo(data, query.crop)
            except BadImage as error:
                raise BadInput(f"{query.name}: {error}") from error
            self._asked += 1
        return self._last[1]


def load_explainer(
    index: Index,
    *,
    weights: Path | None = None,
    device: "Device" = "auto",
    maps: bool = False,
    classes: bool = False,
) -> Explainer:
    """Return what explains the hits of an index; its encoder gives maps, run by torch but for mini.

    Raises:
        UsageError: its vectors have no positions.
        BadInput: the backbone's weights are gone.
        Mismatch: the weights are not those of the index.
    """
    from tvcli.core.encoding.encoder import encoder_of

    record = index.settings["encoder"]
    shipped = record["backbone"]["name"] == FAMILY and not (weights or classes)
    encoder = encoder_of(
        record | {"pool": "none"},
        index.settings["weights_file"],
        weights=weights,
        device=device,
        runtime="auto" if shipped else "torch",
    )
    return Explainer(index, encoder, maps=maps, classes=classes)


def _classifier(encoder: "Encoder") -> "Classifier":
    """Return the classifier of a backbone that scores the mean of its map.

    Raises:
        UsageError: it has none such.
    """
    found, side = encoder.backbone.classifier, encoder.settings.size
    channels = encoder.encode([np.zeros((side, side, 3), np.uint8)]).shape[1]
    if found is None or found[0].shape[1] != channels:
        raise UsageError(
            f"--cam: {encoder.network.spec.name} has no classifier that is linear on its pooled "
            f"map, as squeezenet1_1 and resnet50 have"
        )
    return found


def _space(projection: QueryProjection, *, maps: bool) -> Space:
    """Return how an index makes vectors of maps.

    Raises:
        UsageError: its layer gives vectors.
    """
    weight = projection.ranker.weight if projection.ranker else None
    if maps:
        return Space(MAP, head=weight, unit=False)
    if projection.shortlist:
        return Space(MAP, matrix=projection.shortlist.axes, head=weight)
    if projection.pool == NONE:
        raise UsageError("--explain: this index's layer gives vectors, which have no positions")
    return Space(projection.pool, matrix=weight)
