"""Values of options converted without pydantic, which takes longer to load than numpy.

Typer has pydantic check every value. What a command line usually holds needs no more than `int`, a
look at the bounds, or nothing at all; whatever is not so plain, and so everything that is wrong, is
left to Typer. Of its messages those of pydantic are said in our words.
"""

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typer.exceptions import TyperException

INTEGER = re.compile(r"-?[0-9]{1,15}", re.ASCII)
DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)

WANTED = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
PYDANTIC = {"valid integer": int, "valid number": float, "valid boolean": bool}  # what it says

Convert = Callable[[Any], Any]


class NotPlain(Exception):
    """A value that Typer has to look at."""


class PlainValues:
    """What Typer asks to convert the values of one option or argument."""

    def __init__(self, parameter: Any) -> None:
        self._convert, self._by_typer = _converter(parameter), parameter.get_runtime_param

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return a value as the command's function takes it; raises as Typer does."""
        try:
            return self._convert(value)
        except NotPlain:
            pass
        try:
            return self._by_typer().coerce(value, param, ctx)
        except TyperException as error:
            _reword(error, value, param, ctx)
            raise


def wanted_instead(kind: type, value: Any) -> str:
    """Return what is said of a value that is of another kind than an option takes."""
    return f"{WANTED[kind]} is wanted, not {value!r:.60}"


def _reword(error: Any, value: Any, param: Any, ctx: Any) -> None:
    """Have an error say what is wanted in our words, and the variable that a value came from."""
    for said, kind in PYDANTIC.items():
        if said in str(error.message):
            error.message = wanted_instead(kind, value)
    error.message = error.message.replace("Input should be", "it must be")
    source = ctx and ctx.get_parameter_source(param.name)
    if source and source.name == "ENVIRONMENT":
        error.param_hint = next((name for name in param.envvar if os.environ.get(name)), None)


def convert_plainly(command: Any) -> None:
    """Have the parameters of a command, and of those below it, convert plain values themselves."""
    for parameter in command.params:
        _convert_plainly(parameter)
    make_help = command.get_help_option

    def help_option(context: Any) -> Any:  # it is made when the command runs
        option = make_help(context)
        if option is not None and option not in known:
            known.append(option)
            _convert_plainly(option)
        return option

    known: list[Any] = []
    command.get_help_option = help_option
    for below in getattr(command, "commands", {}).values():
        convert_plainly(below)


def _convert_plainly(parameter: Any) -> None:
    try:
        values = PlainValues(parameter)
    except AttributeError:  # of another Typer, whose inside is not known: it converts them itself
        return
    parameter.get_runtime_param = lambda: values


def _converter(parameter: Any) -> Convert:
    kind, about = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info
    several = get_origin(kind) is list
    convert = _converter_of(get_args(kind)[0] if several else kind, about)
    if several:
        return lambda values: _each(convert, values)
    return lambda value: None if value is None else convert(value)


def _each(convert: Convert, values: Any) -> Any:
    if values is None:
        return ()
    if not isinstance(values, list | tuple):
        raise NotPlain
    return [convert(value) for value in values]


def _converter_of(kind: Any, about: Any) -> Convert:
    """Return what converts one value that is given; it raises NotPlain for what it leaves alone."""
    if about.parser is not None or about.clamp:
        return _leave
    if get_origin(kind) is Literal and about.case_sensitive:
        return lambda value: _one_of(get_args(kind), value)
    if kind is Path and not (about.exists or about.writable or about.resolve_path):
        return _path if about.file_okay and about.dir_okay and about.path_type is None else _leave
    if kind in (int, float):
        return lambda value: _number(kind, value, about.min, about.max)
    return partial(_same, kind) if kind in (str, bool) else _leave


def _leave(_: Any) -> Any:
    raise NotPlain


def _same(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise NotPlain
    return value


def _one_of(choices: tuple[Any, ...], value: Any) -> Any:
    if type(value) is not str or value not in choices:
        raise NotPlain
    return value


def _number(kind: Any, value: Any, least: float | None, most: float | None) -> Any:
    plain = INTEGER if kind is int else DECIMAL
    if isinstance(value, str) and plain.fullmatch(value):
        value = kind(value)
    if type(value) is not kind:
        raise NotPlain
    if (least is not None and not value >= least) or (most is not None and not value <= most):
        raise NotPlain
    return value


def _path(value: Any) -> Any:
    """Return a path; Typer tells of files that are there and may not be read."""
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise NotPlain
    if not os.access(value, os.R_OK) and os.path.exists(value):  # noqa: PTH110 (as it is given)
        raise NotPlain
    return Path(value)
