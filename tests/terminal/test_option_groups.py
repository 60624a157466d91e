import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from tvcli.cli import COMMANDS, GROUPS, function_of
from tvcli.terminal.option_groups import OptionGroup, with_option_groups

EVERY = {name: function_of(name) for name in COMMANDS} | {
    f"{group} {name}": function_of(group, name)
    for group, (_, names) in GROUPS.items()
    for name in names
}
Seed = Annotated[int, typer.Option("--seed", help="Of the random numbers.")]


class Sample(OptionGroup):
    limit: Annotated[int | None, typer.Option("--limit", min=1)] = None
    seed: Seed = 0


class Inputs(OptionGroup):
    null: Annotated[bool, typer.Option("--null", "-0")] = False
    sample: Sample
    name: Annotated[str, typer.Option("--name", envvar="NAME")]


def _ran(command: Callable[..., None], *arguments: str, **variables: str) -> Any:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(with_option_groups(command))
    return CliRunner().invoke(app, list(arguments), env=variables)


def test_fields_are_options_where_the_group_stands() -> None:
    found: list[Any] = []

    def command(
        file: str, *, first: bool = False, inputs: Inputs, last: Annotated[int, typer.Option()] = 3
    ) -> None:
        found.extend([file, first, inputs, last])

    names = list(inspect.signature(with_option_groups(command)).parameters)
    assert names == ["file", "first", "null", "limit", "seed", "name", "last"]
    ran = _ran(command, "a.jpg", "-0", "--seed", "7", NAME="b")
    assert ran.exit_code == 0, ran.output
    file, first, inputs, last = found
    assert (file, first, inputs.null, inputs.name, last) == ("a.jpg", False, True, "b", 3)
    assert isinstance(inputs.sample, Sample) and vars(inputs.sample) == {"limit": None, "seed": 7}


def test_what_a_field_demands_is_demanded() -> None:
    def command(inputs: Inputs) -> None:
        raise AssertionError

    assert "Missing option '--name'" in _ran(command).output
    assert "Invalid value for '--limit'" in _ran(command, "--name", "b", "--limit", "0").output


def test_an_option_of_two_groups_is_one_at_the_first_place_and_goes_to_both() -> None:
    found: list[Any] = []

    def command(*, seed: Seed = 0, inputs: Inputs) -> None:
        found.extend([seed, inputs.sample.seed])

    names = list(inspect.signature(with_option_groups(command)).parameters)
    assert names == ["seed", "null", "limit", "name"]
    assert _ran(command, "--name", "b", "--seed", "5").exit_code == 0
    assert found == [5, 5]


@pytest.mark.parametrize("other", [Annotated[int, typer.Option("--seed", help="Other.")], str])
def test_options_of_one_name_that_differ_are_refused(other: Any) -> None:
    def command(*, seed: int = 0, inputs: Inputs) -> None:
        raise AssertionError

    command.__annotations__["seed"] = other
    with pytest.raises(TypeError, match="seed is declared twice"):
        with_option_groups(command)


def test_a_default_that_differs_is_refused() -> None:
    def command(*, seed: Seed = 1, inputs: Inputs) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="seed is declared twice"):
        with_option_groups(command)


@pytest.mark.parametrize("name", EVERY)
def test_a_command_is_short_but_for_its_declarations(name: str) -> None:
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(EVERY[name]))).body
    assert isinstance(function, ast.FunctionDef)
    work = function.body[1:]  # after the docstring, which is its help
    assert 0 < (work[-1].end_lineno or 0) - work[0].lineno < 60


@pytest.mark.parametrize("name", EVERY)
def test_an_option_that_commands_share_is_declared_once(name: str) -> None:
    """Commands that have an option of the same flags and help have it from one declaration."""
    mine = _declared(EVERY[name])
    for other in (command for theirs, command in EVERY.items() if theirs != name):
        for key, declaration in _declared(other).items():
            assert mine.get(key, declaration) is declaration, key


def _declared(command: Callable[..., None]) -> dict[tuple[Any, ...], Any]:
    """Return how options are declared, by their flags and help."""
    parameters = inspect.signature(with_option_groups(command)).parameters.values()
    found = [part for p in parameters for part in getattr(p.annotation, "__metadata__", ())]
    return {(part.default, part.param_decls, part.metavar, part.help): part for part in found}
