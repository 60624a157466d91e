"""One open index with what its queries need, loaded once and searched by many requests."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tvcli.core.engines.conditions import parse_condition
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source
from tvcli.core.indexes.index import Index
from tvcli.core.matching.decision import Verification
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit, Metric, search
from tvcli.core.searching.queries import Queries, Query, Vector, refine
from tvcli.core.searching.search import SearchRequest, load_encoder
from tvcli.core.searching.verifier import verifying

if TYPE_CHECKING:  # they bring torch, which most searches do without
    from tvcli.core.backbones.specs import Device
    from tvcli.core.encoding.encoder import Encoder
    from tvcli.core.location.locate import Locator

QUERIES_AT_ONCE = 64  # photos encoded and searched together

Asked = Region | Query | str  # a photo, a vector, or the name of an item of the index
Found = tuple[Query, list[Hit]]


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How queries are answered: as `SearchRequest`, for one that is open."""

    k: int = 10
    min_score: float | None = None
    rerank: int | None = None
    locate: bool | None = None  # None: as the index's photos were
    metric: Metric = "cosine"
    where: Sequence[str] = ()
    verification: Verification | None = None


class Searcher:
    """Answers searches as `find_hits` does, from several threads; photos are encoded in turns."""

    def __init__(
        self, index: Index, *, weights: Path | None = None, device: "Device" = "auto"
    ) -> None:
        self.index, self._weights, self._device = index, weights, device
        self._lock = threading.Lock()
        self._encoders: dict[bool, Encoder] = {}
        self._locator: Locator | None = None

    def search(
        self,
        asked: Iterable[Asked],
        settings: SearchSettings,
        report: Report,
        likes: Sequence[Asked] = (),
        unlikes: Sequence[Asked] = (),
    ) -> Iterator[Found]:
        """Yield each query with its hits, in order; photos that cannot be used are skipped.

        A query is drawn to what is liked and away from what is not; with nothing `asked`, what is
        liked is the query.

        Raises:
            UsageError: settings that do not go together, or nothing to search for.
            BadInput: no such item, or an example that cannot be used.
            Mismatch: a vector of another dimension than the index's.
        """
        _check(settings, bool(likes or unlikes))
        maps = settings.rerank is not None
        queries = Queries(self.index, lambda: self._encoder(maps), report, maps=maps)
        liked, unliked = (self._examples(queries, some, report) for some in (likes, unlikes))
        blocks = self._blocks(queries, asked, settings.locate, report)
        if not asked:
            blocks = iter([[refine(None, liked, unliked)]])
        where = [parse_condition(text) for text in settings.where]
        finding = partial(self.index.search, where=where)
        looks = queries.looks
        with verifying(self.index, settings.verification, report, looks, finding) as verifier:
            for block in blocks:
                refined = [refine(query, liked, unliked) for query in block]
                numbered = (replace(query, name=str(n)) for n, query in enumerate(refined))
                found: list[list[Hit]] = [[] for _ in refined]
                for hit in search(
                    self.index,
                    numbered,
                    k=settings.k,
                    min_score=settings.min_score,
                    rerank=settings.rerank,
                    verifier=verifier,
                    metric=settings.metric,
                    where=where,
                ):
                    number = int(hit.query)
                    found[number].append(replace(hit, query=refined[number].name))
                yield from zip(refined, found, strict=True)

    def _blocks(
        self, queries: Queries, asked: Iterable[Asked], locate: bool | None, report: Report
    ) -> Iterator[list[Query]]:
        """Yield queries in blocks; photos next to each other are encoded together."""
        rest = iter(asked)
        while block := list(islice(rest, QUERIES_AT_ONCE)):
            found: list[Query] = []
            while block:
                regions = _leading_regions(block)
                if regions:
                    found += self._encoded(queries, regions, locate, report)
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

    def _encoded(
        self, queries: Queries, regions: list[Region], locate: bool | None, report: Report
    ) -> list[Query]:
        """Return photos as queries, what is in them located if that is wanted; bad ones go."""
        with self._lock:  # one network, one block at a time: it uses all cores anyway
            source = Source(Path(), iter(regions))
            locator = self._locator_for(locate)
            if locator is not None:
                from tvcli.core.location.locating import located_regions

                source = replace(source, regions=located_regions(source, locator, report))
            return list(queries.of_photos(source.regions, source.root))

    def _examples(
        self, queries: Queries, some: Sequence[Asked], report: Report
    ) -> dict[str, Vector]:
        """Return the vectors (D,) of examples, indexed or not, by name: each of unit length."""
        found: dict[str, Vector] = {}
        for number, example in enumerate(some):
            name = example.image if isinstance(example, Region) else str(number)
            if isinstance(example, Region) and example.data is None:
                with self._lock:
                    found[name] = queries.example(name)
            elif isinstance(example, Region):
                encoded = self._encoded(queries, [example], False, report)
                if not encoded:
                    raise BadInput(f"{name}: {report.skipped[-1].reason}")
                found[name] = encoded[0].vector
            else:
                found[name] = self._known(queries, example).vector
        return found

    def _encoder(self, maps: bool) -> "Encoder":
        """Return the encoder that the index's rows were made with; of maps, to re-rank by them."""
        if maps not in self._encoders:
            rerank = 1 if maps else None
            request = SearchRequest(weights=self._weights, device=self._device, rerank=rerank)
            self._encoders[maps] = load_encoder(self.index, request)
        return self._encoders[maps]

    def _locator_for(self, locate: bool | None) -> "Locator | None":
        """Return what locates queries, as the index's photos were; None if they are not to be.

        Raises:
            UsageError: locating is asked for, but the index keeps no heads.
        """
        heads = self.index.location_files
        if locate is False or heads is None:
            if locate:
                raise UsageError(f"locate: {self.index.path} keeps no heads of location")
            return None
        if self._locator is None:
            from tvcli.core.location.locating import load_locator  # brings torch

            self._locator = load_locator(*heads, weights=self._weights, device=self._device)
        return self._locator


def _check(settings: SearchSettings, refined: bool) -> None:
    """Raise UsageError for settings that do not go together."""
    by_cosine = {
        "rerank": settings.rerank,
        "verification": settings.verification,
        "where": settings.where,
        "like and unlike": refined,
    }
    asked = [name for name, value in by_cosine.items() if value]
    if settings.metric == "euclidean" and asked:
        raise UsageError(f"metric euclidean: {asked[0]} goes by the cosine; leave one out")
    if refined and (settings.rerank or settings.verification):
        raise UsageError("like and unlike go with neither re-ranking nor verification")


def _leading_regions(block: Sequence[Asked]) -> list[Region]:
    regions: list[Region] = []
    for asked in block:
        if not isinstance(asked, Region):
            break
        regions.append(asked)
    return regions
