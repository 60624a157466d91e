"""Settings of a file: JSON from anywhere, so what is missing or wrong in it is told in one line."""

from pathlib import Path
from typing import Any, NoReturn

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts.kinds import SETTINGS
from tvcli.core.files.strict_json import parse_json


class Settings(dict[str, Any]):
    """Settings that name their file when one that is not there is asked for."""

    def __init__(self, values: dict[str, Any], path: Path) -> None:
        super().__init__(values)
        self._path = path

    def __missing__(self, name: str) -> NoReturn:
        raise BadInput(f"{self._path}: its settings lack {name}; make it again")


def read_settings(text: str, path: Path) -> Settings:
    """Return settings from their JSON; those declared in `kinds` are of the type they should be.

    Raises:
        BadInput: not an object of JSON, or a declared setting of another type.
    """
    try:
        values = parse_json(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: its settings cannot be read; make it again")
    return checked_settings(values, path)


def checked_settings(values: dict[str, Any], path: Path) -> Settings:
    """Return settings after checking the types of those declared; raises BadInput."""
    for name, expected in SETTINGS.items():
        if name in values and not _is(values[name], expected):
            raise BadInput(f"{path}: its setting {name} is damaged; make it again")
    return _named(values, path)


def _named(values: dict[str, Any], path: Path) -> Settings:
    inner = {k: _named(v, path) if isinstance(v, dict) else v for k, v in values.items()}
    return Settings(inner, path)


def _is(value: Any, expected: Any) -> bool:
    """Tell whether a value is of a type, a list of it ([type]), or an object of such ({…})."""
    if isinstance(expected, dict):
        named = isinstance(value, dict)
        return named and all(_is(value[key], expected[key]) for key in value.keys() & expected)
    if isinstance(expected, list):
        return isinstance(value, list) and all(_is(part, expected[0]) for part in value)
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))
