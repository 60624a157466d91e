"""Conditions as SQL: names and values are bound, but for the columns of the table itself."""

from collections.abc import Sequence
from typing import Any

from tvcli.core.engines.conditions import COLUMNS, And, Comparison, Condition, Not

FIELDS = "fields"  # the column of fields: one object of JSON a row
JSON_TYPES = {"number": "number", "string": "text", "boolean": "truth"}  # as fields call them
DATE = "^[0-9]{4}-"
TRUE, FALSE = "TRUE", "FALSE"

Sql = tuple[str, list[Any]]  # an expression that is never NULL, and the values bound in it


def where(conditions: Sequence[Condition], *, has_fields: bool) -> tuple[list[str], list[Any]]:
    """Return conditions as expressions of SQL, all of which must hold, and the values in them."""
    found = [_sql(condition, has_fields) for condition in conditions]
    return [sql for sql, _ in found], [value for _, values in found for value in values]


def quoted(name: str) -> str:
    """Return the name of a table or column as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _sql(condition: Condition, has_fields: bool) -> Sql:
    if isinstance(condition, Not):
        sql, values = _sql(condition.part, has_fields)
        return f"NOT {sql}", values
    if isinstance(condition, Comparison):
        return _comparison(condition, has_fields)
    word = " AND " if isinstance(condition, And) else " OR "
    return _joined(word, [_sql(part, has_fields) for part in condition.parts])


def _joined(word: str, parts: list[Sql]) -> Sql:
    values = [value for _, values in parts for value in values]
    return "(" + word.join(sql for sql, _ in parts) + ")", values


def _comparison(asked: Comparison, has_fields: bool) -> Sql:
    if asked.operator == "!=":
        sql, values = _comparison(Comparison(asked.column, "=", asked.value), has_fields)
        return f"NOT {sql}", values
    if asked.column in COLUMNS:
        return _of_text(asked, f"COALESCE({quoted(asked.column)}, '')", [])
    if not has_fields:
        return (TRUE if asked.operator == "=" and asked.value == "" else FALSE), []
    return _of_field(asked)


def _of_text(asked: Comparison, text: str, bound: list[Any]) -> Sql:
    """Return the comparison of a text that is never NULL, empty where it is not known."""
    if asked.operator == "=":
        return f"({text} = %s)", [*bound, asked.value]
    if asked.operator == "^=":
        return f"({text} LIKE %s)", [*bound, _escaped(asked.value) + "%"]
    if not asked.orders_texts:
        return FALSE, []
    must = f"{text} ~ %s" if asked.is_year else f"{text} <> %s"
    ordered = f'({must} AND {text} COLLATE "C" {asked.operator} %s)'
    return ordered, [*bound, DATE if asked.is_year else "", *bound, asked.value]


def _of_field(asked: Comparison) -> Sql:
    """Return the comparison of a field, by the type that each row has it in."""
    name = asked.column
    if asked.operator == "=" and asked.value == "":
        return f"({FIELDS}->%s::text IS NULL)", [name]
    is_text = f"jsonb_typeof({FIELDS}->%s::text) = 'string'"
    text = f"(CASE WHEN {is_text} THEN {FIELDS}->>%s::text ELSE '' END)"
    parts = [_of_text(asked, text, [name, name])]
    if asked.operator != "^=" and asked.number is not None:
        number = (
            f"(CASE WHEN jsonb_typeof({FIELDS}->%s::text) = 'number' "
            f"THEN ({FIELDS}->>%s::text)::float8 {asked.operator} %s ELSE FALSE END)"
        )
        parts.append((number, [name, name, asked.number]))
    if asked.operator == "=" and asked.truth is not None:
        is_truth = f"COALESCE({FIELDS}->>%s::text = %s, FALSE)"
        typed = f"(jsonb_typeof({FIELDS}->%s::text) = 'boolean' AND {is_truth})"
        truth = f"COALESCE({typed}, FALSE)"
        parts.append((truth, [name, name, "true" if asked.truth else "false"]))
    return _joined(" OR ", parts)


def _escaped(text: str) -> str:
    """Return text that LIKE takes as it is."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
