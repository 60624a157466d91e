"""Values converted without pydantic are what Typer makes of them; what is wrong is said plainly."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.exceptions import TyperException
from typer.main import get_command

from tvcli.terminal.plain_values import convert_plainly

TEXTS = (
    "", "x", "-", "0", "-0", "007", "7", "8", "-3", "1.5", "-1.5", ".5", "1.", "1e3", "+1", " 1",
    "1_000", "١", "nan", "inf", "-inf", "9" * 15, "9" * 40, "true", "no", "cosine", "Cosine",
    "a\0b", "auto", "2.5000000000000001",
)  # fmt: skip
OTHERS = (None, True, False, 0, 3, 8, 9, -1, 2.0, 2.5, float("nan"), (), [], ["1", "x"], ("2", 3))


def command(
    text: str = "",
    whole: int = 0,
    few: Annotated[int, typer.Option(min=0, max=8)] = 1,
    clamped: Annotated[int, typer.Option(min=0, max=8, clamp=True)] = 1,
    part: Annotated[float, typer.Option(min=0, max=1)] = 0.5,
    number: float = 0.0,
    flag: bool = False,
    path: Path = Path(),
    there: Annotated[Path, typer.Option(exists=True)] = Path(),
    metric: Literal["cosine", "auto"] = "auto",
    any_case: Annotated[Literal["cosine"], typer.Option(case_sensitive=False)] = "cosine",
    texts: Annotated[list[str] | None, typer.Option()] = None,
    paths: Annotated[list[Path] | None, typer.Option()] = None,
) -> None:
    """Have options of every kind."""


def made(*, plain: bool) -> dict[str, Any]:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    found = get_command(app)
    if plain:
        convert_plainly(found)
    return {parameter.name: parameter for parameter in found.params}


BY_TYPER, PLAIN = made(plain=False), made(plain=True)


def outcome(parameter: Any, value: Any) -> tuple[str, Any]:
    """Return what a parameter makes of a value, or what it says of it."""
    context = typer.Context(get_command(typer.Typer(callback=command)))
    try:
        found = parameter.get_runtime_param().coerce(value, parameter, context)
    except TyperException as error:
        return "refused", error.format_message()
    except Exception as error:
        return "failed", type(error)
    return "made", (type(found), repr(found))


def assert_alike(name: str, value: Any) -> None:
    """See that a value is taken as Typer takes it, or refused where it is, with the same name."""
    (plain, is_now), (by_typer, was) = (outcome(of[name], value) for of in (PLAIN, BY_TYPER))
    assert plain == by_typer
    if plain == "refused":
        assert is_now.split(": ")[0] == was.split(": ")[0]
        assert "Input should be" not in is_now
    else:
        assert is_now == was


@pytest.mark.parametrize("name", BY_TYPER)
@pytest.mark.parametrize("value", [*TEXTS, *OTHERS], ids=repr)
def test_values_are_as_typer_has_them(name: str, value: Any) -> None:
    assert_alike(name, value)


@pytest.mark.parametrize("name", BY_TYPER)
@given(text=st.text(max_size=12) | st.from_regex(r"-?\d*\.?\d*", fullmatch=True))
def test_so_is_any_text(name: str, text: str) -> None:
    assert_alike(name, text)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o000)
    assert outcome(PLAIN["path"], str(secret)) == outcome(BY_TYPER["path"], str(secret))


def test_a_whole_command_line_does_without_pydantic(tmp_path: Path) -> None:
    code = (
        "import sys; from tvcli.cli import run; "
        "status = run(['search', 'none.jpg', '-i', 'none.tvx', '-k', '3', '--min-score', '0.5', "
        "'--metric', 'cosine', '--where', 'label=x', '-q']); "
        "print(int(status), 'pydantic' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ran.stdout.split() == ["3", "False"], ran.stderr


def test_a_typer_with_another_inside_converts_by_itself() -> None:
    class Parameter:
        """As click alone has them."""

    class Command:
        params = (Parameter(),)

        def get_help_option(self, context: object) -> object:
            return None

    known = Command()
    convert_plainly(known)
    assert vars(known.params[0]) == {}
