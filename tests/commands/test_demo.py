"""`tv demo` where it cannot work; tests/e2e/test_wheel.py sees that it does, and learning pays."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

from tvcli.core import parallel
from tvcli.demo import chain
from tvcli.demo.chain import Step


def test_demo_where_a_file_is_ends_in_one_line(tv: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    ran = tv("demo", tmp_path / "taken", "--small")
    assert ran.status == 3
    assert "taken: cannot be written" in ran.err and ran.err.count("\n") == 1


def chain_of(*commands: str) -> tuple[Step, ...]:
    return tuple(Step("", c, beside=number == 1) for number, c in enumerate(commands))


@pytest.mark.parametrize("cores", [1, 2])
def test_a_step_beside_another_is_told_in_order(
    tv: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    monkeypatch.setattr(chain, "SMALL", chain.Collection(4, 2))
    monkeypatch.setattr(chain, "SEARCHES", {})
    index = "index gallery.txt -o {}.tvx --size 64 --backbone mini-1"
    monkeypatch.setattr(
        chain, "CHAIN", chain_of(*(index.format(name) for name in ("first", "second", "third")))
    )
    ran = tv("demo", tmp_path / "d", "--small")
    assert ran.status == 0, ran.err
    lines = [line.split(" in ")[0] for line in ran.err.splitlines() if "tvx" in line]
    said = "4 photos, vectors of 256 values,"
    assert [line for line in lines if line.startswith("$")] == [
        f"$ tv {index.format(name)}" for name in ("first", "second", "third")
    ]
    assert sum(line == said for line in lines) == 3
    assert all((tmp_path / "d" / f"{n}.tvx").is_dir() for n in ("first", "second", "third"))


def test_a_step_that_fails_beside_another_ends_the_demo(
    tv: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    monkeypatch.setattr(chain, "SMALL", chain.Collection(4, 2))
    commands = ("index gallery.txt -o first.tvx --size 64", "info none.h5", "info first.tvx")
    monkeypatch.setattr(chain, "CHAIN", chain_of(*commands))
    ran = tv("demo", tmp_path / "d", "--small")
    assert ran.status == 3
    assert ran.err.splitlines()[-1] == "tv: none.h5: no such file"
