"""Groups of options in the signatures of commands: options that belong together, said once.

Typer knows options one by one. Here a parameter whose type is an `OptionGroup` stands for the
options that are its fields, at the place where it stands; a field may be such a group again.
"""

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any, TypeGuard, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False)
class OptionGroup:
    """What options came to be; a subclass declares them as a frozen dataclass does its fields.

    It is no dataclass: making one compiles code, 1 ms each, which every start of tv would pay for.
    """

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)  # what is not given is as the class has it


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command as Typer takes it: each option of a group is a parameter.

    An option that two of them have, such as a seed, is one option, at the first place, and each
    gets its value.

    Raises:
        TypeError: two options of one name differ in what they are.
    """
    declared = inspect.signature(command).parameters.values()
    options: dict[str, Parameter] = {}
    for option in (option for parameter in declared for option in _options_of(parameter)):
        first = options.setdefault(option.name, option)
        if (first.annotation, first.default) != (option.annotation, option.default):
            raise TypeError(f"{command.__name__}: {option.name} is declared twice, differently")

    @functools.wraps(command)
    def call(**given: Any) -> None:
        command(**{parameter.name: _value(parameter, given) for parameter in declared})

    call.__signature__ = Signature(list(options.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {}  # the signature has them; Typer would work through both
    return call


def _is_group(kind: Any) -> TypeGuard[type[OptionGroup]]:
    return isinstance(kind, type) and issubclass(kind, OptionGroup)


def _fields(group: type[OptionGroup]) -> list[Parameter]:
    """Return the fields of a group and of the groups it extends, as parameters."""
    kinds: dict[str, Any] = {}
    for base in reversed(group.__mro__):
        kinds |= inspect.get_annotations(base)
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=getattr(group, name, Parameter.empty),
            annotation=kind,
        )
        for name, kind in kinds.items()
    ]


def _options_of(parameter: Parameter) -> list[Parameter]:
    """Return the options that a parameter stands for: itself, or those of a group."""
    if not _is_group(parameter.annotation):
        return [parameter.replace(kind=Parameter.KEYWORD_ONLY)]
    return [option for field in _fields(parameter.annotation) for option in _options_of(field)]


def _value(parameter: Parameter, given: dict[str, Any]) -> Any:
    """Return the value of a parameter: as given, or a group of what is given."""
    group = parameter.annotation
    if not _is_group(group):
        return given[parameter.name]
    return group(**{field.name: _value(field, given) for field in _fields(group)})
