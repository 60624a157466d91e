"""What a search of the service asks for: JSON of exact types, or texts of an address."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tvcli.core.boxes import Box
from tvcli.serve.answers import Asked, Refused, box_from
from tvcli.serve.service_description import SEARCH

JSON = "application/json"
FORM = "multipart/form-data"  # what curl -F and pages with an upload send
TYPES = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}
WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as it is asked for, in the words of `SEARCH`; `data` is a photo that was sent."""

    index: str | None = None
    item: str | None = None
    image: str | None = None
    box: Box | None = None
    like: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    k: int = 10
    min_similarity: float | None = None
    min_probability: float | None = None
    locate: bool | None = None
    distinct: bool = False
    query_expansion: int | None = None
    k_reciprocal: int | None = None
    data: bytes | None = None


def search_request(asked: Asked) -> SearchRequest:
    """Return what a request asks for; raises Refused (400) for what is unknown or of no use."""
    if asked.content_type == FORM:
        raise Refused(
            400,
            "a form is not read: send the photo itself as the body (curl --data-binary @img.jpg), "
            "and what else is asked for in the address (?k=5)",
        )
    is_json = asked.content_type == JSON
    wanted = asked.json if is_json else _of_address(asked)
    unknown = sorted(wanted.keys() - SEARCH.keys())
    if unknown:
        raise Refused(400, f"{unknown[0]:.80}: unknown; known are {', '.join(sorted(SEARCH))}")
    said = {name: value for name, value in wanted.items() if value is not None}
    for name in said.keys() - {"box"}:
        _check(name, said[name])
    if is_json and isinstance(box := said.get("box"), str):
        raise _wrong("box", "a list of four numbers", box)
    data = None if is_json else asked.data or None
    return SearchRequest(**said | {"box": box_from(said.get("box"))}, data=data)


def in_its_words(reason: str) -> str:
    """Return a reason with what it calls the options of a command named as requests name it."""

    def named(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return name if name in SEARCH else option[0]

    return OPTION.sub(named, reason)


def _of_address(asked: Asked) -> dict[str, Any]:
    """Return what an address asks for, as JSON would have it, but a box as it is written there."""
    wanted: dict[str, Any] = dict(asked.query)
    for name in wanted.keys() & SEARCH.keys() - {"box"}:
        kind, text = SEARCH[name]["type"], wanted[name]
        if kind == "array":
            wanted[name] = asked.query.getlist(name)
        elif kind == "integer" and WHOLE.fullmatch(text):
            wanted[name] = int(text)
        elif kind == "number":
            with suppress(ValueError):
                wanted[name] = float(text)
        elif kind == "boolean":
            wanted[name] = {"true": True, "false": False}.get(text, text)
    return wanted


def _check(name: str, value: Any) -> None:
    """Raise Refused (400) for a value that is not as `SEARCH` says."""
    schema = SEARCH[name]
    kind, least, most = schema["type"], schema.get("minimum"), schema.get("maximum")
    if kind == "array":
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise _wrong(name, "a list of texts", value)
        if len(value) > schema["maxItems"]:
            raise Refused(400, f"{name}: at most {schema['maxItems']}, not {len(value)}")
    elif type(value) not in TYPES[kind] or not (least is None or least <= value <= most):
        wanted = {
            "string": "a text",
            "boolean": "true or false",
            "integer": f"a whole number from {least} to {most}",
            "number": f"a number from {least} to {most}",
        }
        raise _wrong(name, wanted[kind], value)


def _wrong(name: str, wanted: str, value: Any) -> Refused:
    return Refused(400, f"{name}: {wanted} is wanted, not {json.dumps(value):.60}")
