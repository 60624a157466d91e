"""Dataclasses of options in the signatures of commands: options that belong together, said once.

Typer knows options one by one. Here a parameter whose type is a dataclass stands for the options
that are its fields, at the place where it stands; a field may be such a dataclass again.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, Signature
from typing import Any, get_type_hints


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command as Typer takes it: each field of a dataclass of options is a parameter.

    An option that two of them have, such as a seed, is one option, at the first place, and each
    gets its value.

    Raises:
        TypeError: two options of one name differ in what they are.
    """
    groups = inspect.signature(command, eval_str=True).parameters.values()
    options: dict[str, Parameter] = {}
    for option in (option for group in groups for option in _options_of(group)):
        first = options.setdefault(option.name, option)
        if (first.annotation, first.default) != (option.annotation, option.default):
            raise TypeError(f"{command.__name__}: {option.name} is declared twice, differently")

    @functools.wraps(command)
    def call(**given: Any) -> None:
        command(**{group.name: _value(group.name, group.annotation, given) for group in groups})

    call.__signature__ = Signature(list(options.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {name: option.annotation for name, option in options.items()}
    return call


def _options_of(parameter: Parameter) -> list[Parameter]:
    """Return the options that a parameter stands for: itself, or those of a dataclass."""
    if not is_dataclass(parameter.annotation):
        return [parameter.replace(kind=Parameter.KEYWORD_ONLY)]
    hints = get_type_hints(parameter.annotation, include_extras=True)
    return [
        option
        for field in fields(parameter.annotation)
        for option in _options_of(
            Parameter(
                field.name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if field.default is MISSING else field.default,
                annotation=hints[field.name],
            )
        )
    ]


def _value(name: str, kind: Any, given: dict[str, Any]) -> Any:
    """Return the value of a parameter: as given, or a dataclass of what is given."""
    if not is_dataclass(kind):
        return given[name]
    hints = get_type_hints(kind, include_extras=True)
    return kind(**{part.name: _value(part.name, hints[part.name], given) for part in fields(kind)})  # type: ignore[operator]
