"""`tv demo` where it cannot work; tests/e2e/test_wheel.py sees that it does, and learning pays."""

from collections.abc import Callable
from pathlib import Path

from conftest import Ran


def test_demo_where_a_file_is_ends_in_one_line(tv: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    ran = tv("demo", tmp_path / "taken", "--small")
    assert ran.status == 3
    assert "taken: cannot be written" in ran.err and ran.err.count("\n") == 1
