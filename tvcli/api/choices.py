"""Arguments that are one of a few words, checked where they are given."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from tvcli.core.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


def checks_choices(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function refuse words that its `Literal` annotations do not name (UsageError).

    A type checker sees them, too, but not everybody runs one.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs).arguments
        for name, words in _choices(function).items():
            if name in given and given[name] not in words:
                raise UsageError(f"{name}: one of {', '.join(words)}, not {given[name]!r:.60}")
        return function(*args, **kwargs)

    return checked


@functools.cache
def _choices(function: Callable[..., Any]) -> dict[str, tuple[str, ...]]:
    hints = get_type_hints(function)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
