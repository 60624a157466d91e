"""The same picture or not, for two photos and for a whole collection."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from tvcli.api.choices import checks_choices
from tvcli.api.encoding import Encoder, core_encoder
from tvcli.api.notebook import Card, cards
from tvcli.api.photos import PathLike, PhotoLike, as_path, region_of
from tvcli.api.records import Readable, Results
from tvcli.api.reporting import report_of
from tvcli.api.sources import Named, SourceLike, named
from tvcli.core.deduping.across import find_groups_across
from tvcli.core.deduping.dedupe import DedupeSettings, Group, find_groups
from tvcli.core.deduping.opening import index_to_dedupe, indexes_to_compare
from tvcli.core.deduping.preference import Preference
from tvcli.core.deduping.same import Rule
from tvcli.core.errors import BadInput
from tvcli.core.files.sources import Source
from tvcli.core.images.photo import BadImage, Photo, decode_photo, read_photo
from tvcli.core.matching.decision import Default
from tvcli.core.matching.match import Match
from tvcli.core.matching.pair import match_pair
from tvcli.core.reports import Report

Transform = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True, repr=False)
class SamePicture(Readable):
    """Whether two photos show the same picture, and the evidence; it is true where they do.

    `transform` is the 3 x 3 homography that maps pixels of the first photo to pixels of the second,
    None where there is none. `probability`, from 0 to 1, weighs all the evidence. `inliers` are the
    key points that the transform explains, `nfa` is -log10 of how often chance makes so many.
    `zncc`, from -1 to 1, is the correlation of the two under it; `local_agreement`, `disagreement`,
    `hue_agreement` and `photometric_agreement` are shares of what both show, from 0 to 1. What
    could not be measured is None. Where `whole`, the whole photos were laid over each other without
    key points.
    """

    same: bool
    probability: float = 0.0
    inliers: int = 0
    mirrored: bool = False
    whole: bool = False
    nfa: float | None = None
    zncc: float | None = None
    local_agreement: float | None = None
    disagreement: float | None = None
    hue_agreement: float | None = None
    photometric_agreement: float | None = None
    transform: Transform | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return self.same


@dataclass(frozen=True, slots=True, repr=False)
class Duplicate(Readable):
    """A photo of a group: what is proposed for it, and why. Nothing is ever deleted.

    `width` and `height` are in pixels as displayed, `bytes` is the size of the file. `relation`
    says in words how it comes to be the same picture as the one kept.
    """

    image: str
    action: Literal["keep", "drop"]
    reason: str
    width: int
    height: int
    bytes: int
    relation: str = ""


class DuplicateGroup(Results[Duplicate]):
    """Photos of one picture; the first is the one to keep."""

    __slots__ = ()

    @property
    def kept(self) -> list[str]:
        """The photos to keep."""
        return [member.image for member in self if member.action == "keep"]

    @property
    def dropped(self) -> list[str]:
        """The photos proposed to be dropped."""
        return [member.image for member in self if member.action == "drop"]

    def _repr_html_(self) -> str:
        return cards(f"{len(self)} photos of one picture", _cards(self))


class DuplicateGroups(Results[DuplicateGroup]):
    """The groups of a collection, by the name of the photo kept."""

    __slots__ = ()

    @property
    def dropped(self) -> list[str]:
        """The photos of all groups that are proposed to be dropped."""
        return [image for group in self for image in group.dropped]

    def _repr_html_(self) -> str:
        shown = [card for group in self for card in _cards(group)]
        return cards(f"{len(self)} groups, {len(self.dropped)} photos to drop", shown)


@checks_choices
def same_picture(
    first: PhotoLike,
    second: PhotoLike,
    *,
    method: Literal["orb", "sift"] = "orb",
    model: Literal["homography", "affine", "similarity"] = "homography",
    min_probability: float | None = None,
) -> SamePicture:
    """Tell whether two photos show the same picture, as `search(..., verify=True)` decides.

    A photo that is scaled, cropped, turned, mirrored, recoloured or written on is the same picture,
    and so is one that appears in the other. Which of the two is named first does not matter.

    Args:
        first: a path, a picture of Pillow or an array of pixels.
        second: the other.
        method: the type of key points.
        model: the distortion that is allowed between the two.
        min_probability: from which probability on they are the same; None: the fitted one.

    Shapes: an array of pixels is (H, W), (H, W, 3) or (H, W, 4); `transform` is 3 x 3.
    Dtypes: arrays of pixels are uint8; `transform` is float.
    Units: `transform` maps pixels of the first photo to pixels of the second, as displayed.

    Raises:
        UsageError: something that is no photo.
        BadInput: a photo that cannot be read or decoded; the message names it.

    Source: ORB (Rublee et al. 2011) or SIFT (Lowe 2004), the ratio test of Lowe 2004, MAGSAC++
    (Barath et al. 2020), false alarms by Moisan and Stival 2004; the weights of the evidence are
    tvcli's own, fitted to copies and to photos of the same scene.
    """
    one, other = _decoded(first, 1), _decoded(second, 2)
    pair = match_pair(one, other, method=method, model=model, min_probability=min_probability)
    return same_of(pair.same, pair.match)


def find_duplicates(
    source: SourceLike | None = None,
    *,
    against: SourceLike | None = None,
    protect: Sequence[PathLike] = (),
    prefer: Sequence[PathLike] = (),
    not_duplicates: PathLike | None = None,
    min_probability: float | None = None,
    candidates: int = 10,
    encoder: "Encoder | str" = "mini",
    root: PathLike | None = None,
    report: Report | None = None,
) -> DuplicateGroups:
    """Find photos that show the same picture, and propose which to keep, as `tv dedupe` does.

    Args:
        source: an index, or photos, folders, lists or records; None: the nearest `.tv/`.
        against: an index, or photos as `source` names them: photos are compared with those there
            alone, and each group begins with the one there, which is kept; None: with each other.
        protect: folders whose photos are never proposed to be dropped.
        prefer: folders whose photos are rather kept, the most preferred first.
        not_duplicates: a file of groups that are none, as `tv dedupe` takes it.
        min_probability: the least probability of the same picture; None: the fitted one.
        candidates: so many of the most similar photos are compared with each.
        encoder: what encodes photos that are not indexed yet.
        root: where the photos of an index lie now.
        report: told of progress and of photos that are skipped; None: Python's `logging` is.

    Shapes: a result for each group, and in it one for each photo.
    Dtypes: sizes are int.
    Units: `width` and `height` are pixels, `bytes` is bytes, `min_probability` 0 to 1.

    Raises:
        UsageError: nothing is named and there is no index, or an index among other things.
        BadInput: an index or all photos cannot be used.

    Source: tvcli's own: cosines and visual words (Sivic and Zisserman 2003) make candidates,
    geometry decides.
    """
    known = report_of(report)
    settings = DedupeSettings(
        Preference([Path(folder) for folder in protect], [Path(folder) for folder in prefer]),
        Rule(Default(min_probability)),
        candidates,
        as_path(not_duplicates),
    )
    with ExitStack() as stack:
        given = None if source is None else stack.enter_context(named(source))
        arguments = given.arguments if given else []
        folder = as_path(root)
        if against is not None:
            archive = stack.enter_context(named(against))
            both = stack.enter_context(
                indexes_to_compare(
                    arguments,
                    archive.arguments,
                    lambda names: _photos(archive if names is archive.arguments else given, known),
                    lambda: core_encoder(encoder, "auto"),
                    known,
                    folder,
                )
            )
            return _groups(find_groups_across(*both, settings, known))
        index = stack.enter_context(
            index_to_dedupe(
                arguments,
                lambda: _photos(given, known),
                lambda: core_encoder(encoder, "auto"),
                known,
                folder,
            )
        )
        return _groups(find_groups(index, settings, known))


def _photos(given: Named | None, report: Report) -> Source:
    assert given is not None  # without a source an index is opened
    return given.open(report)


def _groups(groups: Iterable[Group]) -> DuplicateGroups:
    return DuplicateGroups([_group(group) for group in groups])


def _group(group: Group) -> DuplicateGroup:
    return DuplicateGroup(
        [
            Duplicate(
                member.facts.image,
                member.action,
                member.reason,
                member.facts.width,
                member.facts.height,
                member.facts.bytes,
                member.transform_description,
            )
            for member in group.members
        ]
    )


def _cards(group: DuplicateGroup) -> list[Card]:
    return [
        Card(Path(d.image), (Path(d.image).name, d.action, f"{d.width} x {d.height}", d.reason))
        for d in group
    ]


def same_of(same: bool, match: Match) -> SamePicture:
    """Return what is told of a match."""
    rows = None if match.transform is None else match.transform / match.transform[2, 2]
    evidence = match.evidence
    return SamePicture(
        same,
        match.probability,
        match.inliers,
        match.mirrored,
        match.whole,
        evidence.nfa,
        evidence.zncc,
        evidence.local_agreement,
        evidence.disagreement,
        evidence.hue,
        evidence.photometric,
        None if rows is None else _rows(rows),
    )


def _rows(matrix: npt.NDArray[Any]) -> Transform:
    x, y, w = ((float(a), float(b), float(c)) for a, b, c in matrix)
    return x, y, w


def _decoded(photo: PhotoLike, number: int) -> Photo:
    region = region_of(photo, number)
    try:
        return decode_photo(read_photo(Path(region.image)) if region.data is None else region.data)
    except BadImage as error:
        raise BadInput(f"{region.image}: {error}") from error
