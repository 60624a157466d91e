"""`tv demo`: the whole chain on pictures it draws itself."""

import re
from collections.abc import Callable
from pathlib import Path

from conftest import Ran


def test_small_demo_runs_the_chain_and_learning_pays(
    tv: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = tv("demo", tmp_path / "demo", "--small")
    assert ran.status == 0, ran.err
    assert ran.err.count("\n$ tv ") == 16
    rows = re.findall(r"  (\S.*?) +(\d+) of (\d+) +(\d+)%\n", ran.out)
    whole, found, learned = ((int(row[1]), int(row[3])) for row in rows)
    assert [row[2] for row in rows] == ["18"] * 3
    assert whole[0] <= found[0] and found[0] >= 15
    assert learned[1] > whole[1] + 10
    page = (tmp_path / "demo" / "demo.html").read_text("utf-8")
    assert all(f">{row[0]}<" in page for row in rows)
    assert page.count("<img") > 18
    assert f"Look at {tmp_path / 'demo' / 'demo.html'}" in ran.out


def test_demo_where_a_file_is_ends_in_one_line(tv: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    ran = tv("demo", tmp_path / "taken", "--small")
    assert ran.status == 3
    assert "taken: cannot be written" in ran.err and ran.err.count("\n") == 1
