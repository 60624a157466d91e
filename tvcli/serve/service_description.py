"""What the service can be asked, as OpenAPI has it; requests are checked by the same words."""

from typing import Any

NUMBER, TEXT = {"type": "number"}, {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
BOX = {"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 4}
BOX_MEANT = "x0, y0, x1, y1 in pixels of the photo as displayed, half open."
SEARCH: dict[str, dict[str, Any]] = {
    "index": TEXT | {"description": "The index to search, by its name; the first if not said."},
    "item": TEXT | {"description": "Search with a photo of the index, named as it names it."},
    "image": TEXT | {"description": "Search with a photo of the storage, by its name or address."},
    "like": TEXTS
    | {
        "maxItems": 100,
        "description": "Photos of the index to search near; `NAME:2` counts twice.",
    },
    "unlike": TEXTS
    | {
        "maxItems": 100,
        "description": "Photos of the index to search away from; `NAME:0.5` counts half.",
    },
    "box": BOX | {"description": f"Search with this part of the photo: {BOX_MEANT}"},
    "k": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10},
    "min_similarity": {"type": "number", "minimum": -1, "maximum": 1},
    "min_probability": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "That a hit belongs with the query; of an index that is `calibrated`.",
    },
    "where": TEXTS
    | {
        "maxItems": 20,
        "description": "Conditions on the hits, such as label=dress; all must hold.",
    },
    "distinct": {
        "type": "boolean",
        "default": False,
        "description": "Of files with the same content one is a hit, which lists the others.",
    },
    "query_expansion": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "description": "Search again with the query and so many of its closest photos.",
    },
    "k_reciprocal": {
        "type": "integer",
        "minimum": 1,
        "maximum": 500,  # a tenth of a second
        "description": "Reorder the first so many hits by the neighbours they share with it.",
    },
    "locate": {
        "type": "boolean",
        "description": "Find the object first; by default as the index's photos were.",
    },
}
HIT = {
    "type": "object",
    "required": ["rank", "image", "similarity"],
    "properties": {
        "rank": {"type": "integer"},
        "image": TEXT,
        "similarity": {"type": "number", "description": "The cosine: 1.0 for the same picture."},
        "probability": {
            "type": "number",
            "description": "That it belongs with the query, where the index is calibrated.",
        },
        "query_box": BOX | {"description": "The part of the query's photo that was searched with."},
        "box": BOX | {"description": BOX_MEANT},
        "label": TEXT,
        "missing": {"type": "boolean", "description": "The photo is not where the index has it."},
        "same_content": TEXTS | {"description": "The other photos of the same content."},
    },
    "additionalProperties": {
        "type": ["number", "string", "boolean"],
        "description": "A field of the photo, such as a price.",
    },
}
HITS = {
    "type": "object",
    "required": ["index", "hits"],
    "properties": {"index": TEXT, "hits": {"type": "array", "items": HIT}},
}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": TEXT}}
STATUSES = {
    "400": "Something asked for makes no sense.",
    "401": "No token, or not the right one.",
    "403": "Outside the folders of photos.",
    "404": "No such index, item or photo.",
    "408": "The body did not come.",
    "413": "More than 64 MiB.",
    "422": "A photo that cannot be used.",
}


def description(version: str) -> dict[str, Any]:
    """Return the OpenAPI description of the service."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tv",
            "version": version,
            "description": "Image-similarity search in indexes made with tv index.",
        },
        "security": [{"token": []}],
        "paths": {
            "/v1/search": {"post": _search()},
            "/v1/indexes": {"get": _get("The indexes that are served.", {"type": "object"})},
            "/metrics": {"get": _get("Figures of all workers.", TEXT, "text/plain")},
            "/health": {"get": _get("That it answers.", {"type": "object"}) | {"security": []}},
            "/openapi.json": {"get": _get("This text.", {"type": "object"}) | {"security": []}},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _search() -> dict[str, Any]:
    photo = {"schema": {"type": "string", "format": "binary"}}
    asked = {"type": "object", "properties": SEARCH, "additionalProperties": False}
    return {
        "summary": "The most similar photos to one that is sent, stored or indexed, best first.",
        "description": "A photo is sent as the body; what else is wanted stands in the address, a "
        "box as x0,y0,x1,y1. Otherwise the body is JSON.",
        "parameters": [
            {"name": name, "in": "query", "schema": TEXT if name == "box" else schema}
            for name, schema in SEARCH.items()
            if name not in ("item", "image")
        ],
        "requestBody": {
            "content": {"application/json": {"schema": asked}, "image/*": photo},
            "required": True,
        },
        "responses": _responses(HITS, "application/json"),
    }


def _get(summary: str, schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"summary": summary, "responses": _responses(schema, media)}


def _responses(schema: dict[str, Any], media: str) -> dict[str, Any]:
    errors = {
        status: {"description": meant, "content": {"application/json": {"schema": ERROR}}}
        for status, meant in STATUSES.items()
    }
    return {"200": {"description": "Done.", "content": {media: {"schema": schema}}}} | errors
