"""What a search of the service asks for: JSON of exact types, or texts of an address."""

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tvcli.core.boxes import Box
from tvcli.serve.answers import Asked, Refused, box_from
from tvcli.serve.service_description import SEARCH

MOST_HITS = 1000
MOST_EXAMPLES = 100  # items liked or not
MOST_CONDITIONS = 20
MOST_NEIGHBOURS = 100  # that a query is drawn to
MOST_REORDERED = 500  # hits: a tenth of a second
LISTS = {"like": MOST_EXAMPLES, "unlike": MOST_EXAMPLES, "where": MOST_CONDITIONS}
TEXTS = ("index", "item", "image")
WHOLES = {"k": MOST_HITS, "query_expansion": MOST_NEIGHBOURS, "k_reciprocal": MOST_REORDERED}
KNOWN = frozenset(SEARCH)
JSON = "application/json"
FORM = "multipart/form-data"  # what curl -F and pages with an upload send
TRUTHS = ("locate", "distinct")
PARTS = {"min_similarity": -1, "min_probability": 0}  # numbers up to 1, with the least of each
WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as it is asked for; None for what is not said. `data` is a photo that was sent."""

    index: str | None
    item: str | None
    image: str | None
    box: Box | None
    likes: list[str]
    unlikes: list[str]
    where: list[str]
    k: int
    min_similarity: float | None
    min_probability: float | None
    locate: bool | None
    distinct: bool
    query_expansion: int | None
    k_reciprocal: int | None
    data: bytes | None


def search_request(asked: Asked) -> SearchRequest:
    """Return what a request asks for; raises Refused (400) for what is unknown or of no use."""
    if asked.content_type == FORM:
        raise Refused(
            400,
            "a form is not read: send the photo itself as the body (curl --data-binary @img.jpg), "
            "and what else is asked for in the address (?k=5)",
        )
    if asked.content_type == JSON:
        wanted, data = asked.json, None
    else:
        wanted, data = _typed(asked), asked.data or None
    unknown = sorted(wanted.keys() - KNOWN)
    if unknown:
        raise Refused(400, f"{unknown[0]:.80}: unknown; known are {', '.join(sorted(KNOWN))}")
    index, item, image = (_text(wanted, name) for name in TEXTS)
    k, expansion, reciprocal = (_whole(wanted, name, most) for name, most in WHOLES.items())
    likes, unlikes, where = (_texts(wanted, name, most) for name, most in LISTS.items())
    locate, distinct = (_truth(wanted, name) for name in TRUTHS)
    similarity, probability = (_number(wanted, name, least) for name, least in PARTS.items())
    return SearchRequest(
        index=index,
        item=item,
        image=image,
        box=_box(wanted.get("box"), written=asked.content_type != JSON),
        likes=likes,
        unlikes=unlikes,
        where=where,
        k=10 if k is None else k,
        min_similarity=similarity,
        min_probability=probability,
        locate=locate,
        distinct=bool(distinct),
        query_expansion=expansion,
        k_reciprocal=reciprocal,
        data=data,
    )


def in_its_words(reason: str) -> str:
    """Return a reason with what it calls the options of a command named as requests name it."""

    def named(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return name if name in KNOWN else option[0]

    return OPTION.sub(named, reason)


def _typed(asked: Asked) -> dict[str, Any]:
    """Return what an address asks for, as JSON would have it; what is no number stays a text."""
    wanted: dict[str, Any] = dict(asked.query)
    wanted |= {name: found for name in LISTS if (found := asked.query.getlist(name))}
    for name in WHOLES:
        if WHOLE.fullmatch(wanted.get(name, "")):
            wanted[name] = int(wanted[name])
    for name in PARTS:
        with suppress(ValueError):
            wanted[name] = float(wanted.get(name, "-"))
    truths = {"true": True, "false": False}
    for name in wanted.keys() & TRUTHS:
        wanted[name] = truths.get(wanted[name], wanted[name])
    return wanted


def _box(value: Any, *, written: bool) -> Box | None:
    """Return a box, which is a list in JSON and `written` x0,y0,x1,y1 in an address."""
    if isinstance(value, str) and not written:
        raise _wrong("box", "a list of four numbers", value)
    return box_from(value)


def _whole(wanted: Mapping[str, Any], name: str, most: int) -> int | None:
    value = wanted.get(name)
    if value is not None and (type(value) is not int or not 1 <= value <= most):
        raise _wrong(name, f"a whole number from 1 to {most}", value)
    return value


def _number(wanted: Mapping[str, Any], name: str, least: int) -> float | None:
    value = wanted.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not (math.isfinite(value) and least <= value <= 1):
        raise _wrong(name, f"a number from {least} to 1", value)
    return float(value)


def _truth(wanted: Mapping[str, Any], name: str) -> bool | None:
    value = wanted.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, "true or false", value)
    return value


def _text(wanted: Mapping[str, Any], name: str) -> str | None:
    value = wanted.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "a text", value)
    return value


def _texts(wanted: Mapping[str, Any], name: str, most: int) -> list[str]:
    value = wanted.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong(name, "a list of texts", value)
    if len(value) > most:
        raise Refused(400, f"{name}: at most {most}, not {len(value)}")
    return value


def _wrong(name: str, wanted: str, value: Any) -> Refused:
    return Refused(400, f"{name}: {wanted} is wanted, not {json.dumps(value):.60}")
