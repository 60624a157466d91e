"""Completion, by the shells that are here; what they are told, by tv itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tvcli.core.backbones import catalogue
from tvcli.terminal.completion import KINDS

BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "two words.tvx").mkdir()
    for name in ("rank.h5", "reads.jsonl", "weights.pth", "deep/other.h5"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture(scope="module")
def script() -> str:
    """Give tv's own script for bash."""
    command = ["tv", "completion", "bash"]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert ran.stderr == "" and "_tv_completion" in ran.stdout
    return ran.stdout


def bash(line: str, script: str, folder: Path) -> list[str]:
    """Return what bash completes a line to, with tv's own script."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    code = (
        f'eval "$SCRIPT"; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n'
        'compopt() { :; }; _tv_completion tv; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(
        ["bash", "-c", code],
        cwd=folder,
        env=ENVIRONMENT | {"SCRIPT": script},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    return [line for line in ran.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("tv sea", ["search"]),
        ("tv eval se", ["search"]),
        ("tv encode x --back", ["--backbone"]),
        ("tv encode x --backbone alex", ["alexnet"]),
        ("tv encode x --backbone mi", ["mini", *catalogue.GENERATIONS]),
        ("tv search x --format js", ["jsonl"]),
        ("tv index x --rank ", ["deep", "rank.h5", "two words.tvx"]),
        ("tv index x --rank deep/", ["deep/er", "deep/other.h5"]),
        ("tv search x --index tw", ["two words.tvx"]),
        ("tv triplets r", ["rank.h5"]),
        ("tv eval triplets x re", ["reads.jsonl"]),
        ("tv encode x --weights we", ["weights.pth"]),
    ],
)
def test_bash(line: str, completed: list[str], script: str, folder: Path) -> None:
    assert bash(line, script, folder) == completed


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(shell: str, folder: Path) -> None:
    """What the scripts of the other shells ask, and what they are told."""
    script = subprocess.run(
        ["tv", "completion", shell], env=ENVIRONMENT, capture_output=True, text=True, check=True
    ).stdout
    assert "_TV_COMPLETE=complete_" + shell in script
    if found := shutil.which(shell):
        subprocess.run([found, "-n", "-c", script], check=True)
    asked = {
        "_TV_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "tv encode x --backbone alex",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    told = subprocess.run(
        ["tv"], cwd=folder, env=ENVIRONMENT | asked, capture_output=True, text=True, check=True
    ).stdout
    assert "alexnet" in told


def test_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tvcli.cli import run\ntry: run([])\nfinally: "
        "assert not {'torch', 'h5py', 'numpy', 'PIL'} & set(sys.modules), sys.modules.keys()"
    )
    asked = {"_TV_COMPLETE": "complete_bash", "COMP_WORDS": "tv encode --backbone a"}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT | asked | {"COMP_CWORD": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "alexnet" in ran.stdout.split()


def test_the_catalogue_has_torchvisions_names() -> None:
    from tvcli.core.backbones.torchvision_models import names

    assert set(names()) <= set(catalogue.NAMES)
    assert catalogue.NAMES[0] == "mini"


def test_what_has_a_kind_is_a_parameter_of_some_command() -> None:
    from tvcli.cli import tv
    from tvcli.terminal.settings import leaves

    known = {f"{' '.join(w)} {p.name}" for w, c in leaves(tv()) for p in c.params}
    names = {name.rpartition(" ")[2] for name in known}
    assert {kind for kind in KINDS if kind not in known | names} == set()
