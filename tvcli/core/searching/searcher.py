"""One open index with what its queries need, loaded once and searched by many requests."""

import shlex
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tvcli.core.blocks import blocks_of
from tvcli.core.engines.condition_grammar import parse_condition
from tvcli.core.engines.conditions import Condition, columns_of
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.index import Index
from tvcli.core.ranking.calibration import calibration_of
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit, SearchSettings, hits_of
from tvcli.core.searching.queries import Queries, Query, Vector, refine
from tvcli.core.searching.verifier import verifying

if TYPE_CHECKING:  # they bring torch, which most searches do without
    from tvcli.core.backbones.specs import Device
    from tvcli.core.encoding.encoder import Encoder
    from tvcli.core.location.locate import Locator
    from tvcli.core.searching.explaining import ExplainedHits, Explainer

QUERIES_AT_ONCE = 64  # photos encoded and searched together
SAMPLED = 100  # rows that are looked at for an example of a column

Asked = Region | Query | str  # a photo, a vector, or the name of an item of the index


@dataclass(frozen=True, slots=True)
class Example:
    """What is liked or not, and how much it counts beside a query and the others, which count 1."""

    asked: Asked
    weight: float = 1.0


Found = tuple[Query, list[Hit]]


class Searcher:
    """Answers the searches of commands, pages and programs, from several threads.

    Photos are encoded in turns: one network uses all cores anyway. `encoder`: what gives the
    encoder of the index's rows, where another searcher has loaded it.
    """

    def __init__(
        self,
        index: Index,
        *,
        weights: Path | None = None,
        device: "Device" = "auto",
        encoder: "Callable[[], Encoder] | None" = None,
    ) -> None:
        self.index, self._weights, self._device = index, weights, device
        self._encoder = encoder or partial(self._load_encoder, maps=False)
        self._lock = threading.RLock()  # of the networks
        self._encoders: dict[bool, Encoder] = {}
        self._explainers: dict[tuple[bool, bool], Explainer] = {}
        self._locator: Locator | None = None

    def search(
        self,
        asked: Iterable[Asked] | None,
        settings: SearchSettings,
        report: Report,
        *,
        likes: Sequence[Asked | Example] = (),
        unlikes: Sequence[Asked | Example] = (),
        root: Path = Path(),
    ) -> Iterator[Found]:
        """Yield each query with its hits, in order; photos that cannot be used are skipped.

        A query is drawn to what is liked and away from what is not; with None `asked`, what is
        liked is the query. The names of photos are relative to `root`.

        Raises:
            UsageError: settings that do not go together, or nothing to search for.
            BadInput: no such item, or an example that cannot be used.
            Mismatch: a vector of another dimension than the index's, or other weights.
        """
        _check(settings, refined=bool(likes or unlikes))
        if settings.min_probability is not None and calibration_of(self.index.settings) is None:
            raise UsageError(
                f"--min-probability: {self.index.path} does not know what its similarities mean: "
                f"tv eval search {shlex.quote(str(self.index.path))} --queries PHOTOS --calibrate, "
                f"or add --verify for the same picture"
            )
        self._check_budget(settings, report)
        if missing := self.index.why_exact():
            report.note(f"{missing}; every row is compared instead")
        queries = self.queries(settings, report)
        liked, unliked = (self._examples(queries, some) for some in (likes, unlikes))
        blocks: Iterator[Sequence[Query | None]] = iter([[None]])
        if asked is not None:
            blocks = self._blocks(queries, asked, settings.locate, root, report)
        where = [parse_condition(text) for text in settings.where]
        finding = partial(self.index.search, where=where, budget=settings.budget)
        explains, nothing, answered = self._explained(settings), True, False
        with verifying(
            self.index, settings.verification, report, queries.looks, finding
        ) as verifier:
            for block in blocks:
                refined = [refine(query, liked, unliked) for query in block]
                for query, found in hits_of(
                    self.index, refined, settings, where, verifier, explains, report
                ):
                    nothing, answered = nothing and not found, True
                    yield query, found
        if nothing and where and not len(self.index.meeting(where)):
            report.note(_no_row_meets(self.index, where, settings.where))
        elif nothing and answered:
            report.note(_nothing_found(settings))

    def queries(self, settings: SearchSettings, report: Report) -> Queries:
        """Return what makes queries for the index; with maps, where they are re-ranked by them."""
        maps = settings.rerank is not None
        load = partial(self._load_encoder, maps=True) if maps else self._encoder
        return Queries(self.index, load, report, maps=maps)

    def located(
        self, regions: Iterable[Region], locate: bool | None, root: Path, report: Report
    ) -> Iterator[Region]:
        """Yield the objects in photos, if they are to be located; parts of photos stay.

        Raises:
            UsageError: locating is asked for, but the index keeps no heads.
        """
        locator = self._locator_for(locate)
        if locator is None:
            return iter(regions)
        from tvcli.core.location.locating import located_regions

        return located_regions(Source(root, iter(regions)), locator, report, self._encoder())

    def encoder(self) -> "Encoder":
        """Return the encoder that the index's rows were made with, loaded when first asked for."""
        with self._lock:
            return self._encoder()

    def explainer(self, *, maps: bool = False, classes: bool = False) -> "Explainer":
        """Return what draws why a hit is similar; raises as `load_explainer` does."""
        from tvcli.core.searching.explaining import load_explainer

        with self._lock:
            if (maps, classes) not in self._explainers:
                self._explainers[maps, classes] = load_explainer(
                    self.index,
                    weights=self._weights,
                    device=self._device,
                    maps=maps,
                    classes=classes,
                )
            return self._explainers[maps, classes]

    def _blocks(
        self,
        queries: Queries,
        asked: Iterable[Asked],
        locate: bool | None,
        root: Path,
        report: Report,
    ) -> Iterator[list[Query]]:
        """Yield queries in blocks; photos next to each other are encoded together."""
        for block in blocks_of(asked, QUERIES_AT_ONCE):
            found: list[Query] = []
            while block:
                regions = _leading_regions(block)
                if regions:
                    found += self._of_photos(queries, regions, locate, root, report)
                    block = block[len(regions) :]
                else:
                    found.append(self._known(queries, block.pop(0)))
            if found:
                yield found

    def _known(self, queries: Queries, asked: Asked) -> Query:
        if isinstance(asked, Query):
            if asked.vector.shape != (self.index.manifest.dimension,):
                raise Mismatch(
                    f"{self.index.path}: holds vectors of {self.index.manifest.dimension} values, "
                    f"the query has shape {asked.vector.shape}"
                )
            return asked
        assert isinstance(asked, str)
        return queries.of_item(asked)

    def _of_photos(
        self,
        queries: Queries,
        regions: list[Region],
        locate: bool | None,
        root: Path,
        report: Report,
    ) -> list[Query]:
        """Return photos as queries, what is in them located if that is wanted; bad ones go."""
        with self._lock:
            return list(queries.of_photos(self.located(regions, locate, root, report), root))

    def _examples(self, queries: Queries, some: Sequence[Asked | Example]) -> dict[str, Vector]:
        """Return the vectors (D,) of examples, indexed or not, by name: as long as they count."""
        found: dict[str, Vector] = {}
        for number, each in enumerate(some):
            example = each if isinstance(each, Example) else Example(each)
            asked = example.asked
            name = asked.image if isinstance(asked, Region) else str(number)
            found[name] = self._direction(queries, asked) * np.float32(example.weight)
        return found

    def _direction(self, queries: Queries, asked: Asked) -> Vector:
        """Return the vector (D,) of an example, of unit length; nothing indexed is encoded."""
        direction: Vector
        if isinstance(asked, Region) and asked.data is None:
            rows = self.index.find(asked.image)
            if len(rows):
                direction = self.index.vectors(rows[:1])[0]
                return direction
        if isinstance(asked, Region):
            report = Report()  # one that is of no use is an error, not skipped
            with self._lock:
                encoded = list(queries.of_photos([asked], Path(), report))
            if not encoded:
                raise BadInput(f"{asked.image}: {report.skipped[-1].reason}")
            known = encoded[0]
        else:
            known = self._known(queries, asked)
        direction = unit(known.vector[None])[0]
        return direction

    def _explained(self, settings: SearchSettings) -> "ExplainedHits | None":
        if settings.explain is None:
            return None
        from tvcli.core.searching.explaining import ExplainedHits

        explainer = self.explainer(maps=settings.rerank is not None, classes=settings.cam)
        return ExplainedHits(explainer, settings.explain)

    def _load_encoder(self, *, maps: bool) -> "Encoder":
        """Return the encoder that the index's rows were made with; of maps, to re-rank by them."""
        from tvcli.core.encoding.encoder import encoder_of

        if maps not in self._encoders:
            settings = self.index.settings
            self._encoders[maps] = encoder_of(
                settings["encoder"] | ({"pool": "none"} if maps else {}),
                settings["weights_file"],
                weights=self._weights,
                device=self._device,
                graph=self.index.graph,
            )
        return self._encoders[maps]

    def _locator_for(self, locate: bool | None) -> "Locator | None":
        """Return what locates queries, as the index's photos were; None if they are not to be."""
        has_heads = self.index.location_files is not None
        if locate and not has_heads:
            raise UsageError(
                f"--locate: {self.index.path} keeps no heads; make it again: "
                f"tv index PHOTOS --classifier FILE.h5 --boxes FILE.h5 "
                f"-o {shlex.quote(str(self.index.path))}"
            )
        if locate is False or not has_heads:
            return None
        with self._lock:
            if self._locator is None:
                from tvcli.core.indexes.located import index_locator

                weights, device = self._weights, self._device
                self._locator = index_locator(
                    self.index, self._encoder(), weights=weights, device=device
                )
            return self._locator

    def _check_budget(self, settings: SearchSettings, report: Report) -> None:
        """Tell of a search budget that changes nothing."""
        if not settings.budget:
            return
        if settings.metric == "euclidean":
            report.note("--effort: --metric euclidean compares every row, whatever the budget")
        elif not self.index.store.takes_budget:
            engine = self.index.store.engine_name
            report.note(f"--effort: {engine} compares every row, whatever the budget")


def _check(settings: SearchSettings, *, refined: bool) -> None:
    """Raise UsageError for settings that do not go together."""
    of_photos = {
        "--rerank": settings.rerank,
        "--verify": settings.verification,
        "--explain": settings.explain,
    }
    expansion, reciprocal = settings.neighbours.expansion, settings.neighbours.reciprocal
    by_cosine = of_photos | {
        "--where": settings.where,
        "--like and --unlike": refined,
        "--query-expansion": expansion,
        "--k-reciprocal": reciprocal,
    }
    for name, value in by_cosine.items():
        if value and settings.metric == "euclidean":
            raise UsageError(f"--metric euclidean: {name} goes by the cosine; leave one out")
    for name, value in of_photos.items():
        if value and refined:
            raise UsageError(f"{name}: goes with photos and --item, not with --like and --unlike")
    if expansion and settings.explain:
        raise UsageError("--explain: goes with the query itself, not with --query-expansion")
    for name in ("--rerank", "--verify"):
        if reciprocal and of_photos[name]:
            raise UsageError(f"--k-reciprocal: {name} puts hits in an order, too; leave one out")
    for name, value in {
        "--rerank": settings.rerank,
        "--query-expansion": expansion,
        "--metric euclidean": settings.metric == "euclidean",
    }.items():
        if value and settings.min_probability is not None:
            raise UsageError(f"--min-probability: is of the cosines themselves, not of {name}")
    if settings.cam and settings.explain is None:
        raise UsageError("--cam: goes with --explain DIR")


def _nothing_found(settings: SearchSettings) -> str:
    """Return what to say where no query has a hit, with the settings that leave hits out."""
    least = {"--min-score": settings.min_score, "--min-probability": settings.min_probability}
    limits = [f"{name} {value:g}" for name, value in least.items() if value is not None]
    limits += [f"--where {text}" for text in settings.where]
    if settings.verification is not None and not settings.verification.unverified:
        limits.append("--verify")
    return "nothing found" + (f" with {' and '.join(limits)}" if limits else "")


def _folder_of_one(index: Index) -> str:
    """Return the first folder that a photo of the index lies in, as its name begins; else none."""
    names = index.examples("image", SAMPLED)
    return next((f"{name.split('/')[0]}/" for name in names if "/" in name), "")


def _no_row_meets(index: Index, where: Sequence[Condition], texts: Sequence[str]) -> str:
    """Return what to say where no row meets conditions, with what its rows have."""
    shown, every = [], len(index) <= SAMPLED
    for column in sorted(columns_of(where)):
        example = next(filter(None, index.examples(column, SAMPLED)), None)
        if not example:
            none = "no row" if every else f"none of the first {SAMPLED} rows"
            folder = _folder_of_one(index) if column == "label" else ""
            instead = f"; for a folder's photos: --where 'image^={folder}'" if folder else ""
            shown.append(f"{none} has a {column}{instead}")
        elif column == "image":
            shown.append(f"image is relative to {index.root}, such as {example}")
        else:
            shown.append(f"{column} is, for example, {example}")
    return f"no row meets --where {' and '.join(texts)}: {'; '.join(shown)}"


def _leading_regions(block: Sequence[Asked]) -> list[Region]:
    regions: list[Region] = []
    for asked in block:
        if not isinstance(asked, Region):
            break
        regions.append(asked)
    return regions
