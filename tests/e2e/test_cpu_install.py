"""The README's lines for a CPU alone install no CUDA: as pip resolves them, from two indexes."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
FIRST = f"pip install torch torchvision --index-url {CPU_INDEX}"
CUDA = ("nvidia", "cuda", "triton")
HAS_PIP = find_spec("pip") is not None  # which is sooner run on an environment than put into it


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Python of an environment that has nothing, or pip where the tests' own has none."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=not HAS_PIP)
    return folder / "bin" / "python"


def pip(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `pip install` without what is configured here: other indexes, or constraints."""
    command = (
        [sys.executable, "-m", "pip", "--python", python] if HAS_PIP else [python, "-m", "pip"]
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [*command, "install", "--no-input", "--disable-pip-version-check", *arguments],
        env=kept | {"PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
    )


def resolved(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the packages that pip would install, with their versions."""
    assert ran.returncode == 0, ran.stderr
    report: dict[str, Any] = json.loads(ran.stdout)
    return {one["metadata"]["name"]: one["metadata"]["version"] for one in report["install"]}


def wheel(index: Path, name: str, version: str, requires: Sequence[str] = ()) -> None:
    """Put a package without content on an index."""
    folder, about = index / name, f"{name.replace('-', '_')}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{about}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {required}" for required in requires]
    with zipfile.ZipFile(folder / f"{about}-py3-none-any.whl", "w") as file:
        file.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    links = (f'<a href="{path.name}">{path.name}</a>' for path in sorted(folder.glob("*.whl")))
    (folder / "index.html").write_text("\n".join(links))


def ours() -> list[str]:
    """Return what `pip install .` asks for."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    dependencies: list[str] = project["dependencies"]
    return dependencies


def test_the_lines_are_these_and_come_in_this_order() -> None:
    for name in ("README.md", "docs/faq.md"):
        text = (REPOSITORY / name).read_text("utf-8")
        assert f"{FIRST}\npip install .\n" in text, name


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pip's own choice has no CUDA")
def test_make_takes_the_cpu_build_first_and_goes_on_without_it(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    environment = tmp_path / ".venv" / "bin"
    environment.mkdir(parents=True)
    pip_called = environment / "python"
    pip_called.write_text('#!/bin/sh\necho "$@" >> called; test "${*%index-url*}" = "$*"\n')
    pip_called.chmod(0o755)
    made = subprocess.run(
        ["make", "--directory", tmp_path, "--silent", ".venv/installed", "PYTHON=true"]
    )
    assert made.returncode == 0
    assert "PIP_CONFIG_FILE=/dev/null" in (REPOSITORY / "Makefile").read_text("utf-8")
    first, *rest = (tmp_path / "called").read_text().splitlines()
    if Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists():
        assert not rest and first.endswith("--editable .")
    else:
        assert first.startswith("-m pip --isolated install")  # from no other index beside
        assert first.endswith(f"torch torchvision --index-url {CPU_INDEX}")  # and failed
        assert len(rest) == 1 and rest[0].endswith("--editable .")


def test_what_is_installed_without_torch_is_all_the_rest() -> None:
    listed = (REPOSITORY / "requirements-without-torch.txt").read_text("utf-8").splitlines()
    wanted = [one for one in ours() if not one.startswith("torch")]
    assert [line for line in listed if not line.startswith("#")] == wanted
    assert len(ours()) == len(wanted) + 2


@pytest.mark.long
def test_what_is_there_for_a_cpu_is_kept(python: Path, tmp_path: Path) -> None:
    """From two indexes as PyTorch and PyPI have them: PyPI's builds are newer and need CUDA."""
    cpu, pypi = tmp_path / "cpu", tmp_path / "pypi"
    wheel(cpu, "torch", "2.9.1+cpu", ["numpy"])
    wheel(cpu, "torchvision", "0.24.1+cpu", ["torch==2.9.1"])
    wheel(cpu, "numpy", "2.3.0")
    wheel(pypi, "nvidia-cublas", "13.0")
    wheel(pypi, "triton", "3.0")
    wheel(pypi, "torch", "2.10.0", ["numpy", "nvidia-cublas", "triton"])
    wheel(pypi, "torchvision", "0.25.0", ["torch==2.10.0"])
    for requirement in ours():
        name = requirement.partition(">=")[0].strip()
        if name not in ("torch", "torchvision"):
            wheel(pypi, name, "99.0")
    first = ["torch", "torchvision", "--index-url", cpu.as_uri()]
    plan = ["--dry-run", "--quiet", "--report", "-"]
    found = resolved(pip(python, *plan, *first))
    assert found == {"torch": "2.9.1+cpu", "torchvision": "0.24.1+cpu", "numpy": "2.3.0"}
    second = [*ours(), "--index-url", pypi.as_uri()]
    without = resolved(pip(python, *plan, *second))
    assert {"torch", "nvidia-cublas", "triton"} <= without.keys()  # what the first line is for
    assert pip(python, *first).returncode == 0
    rest = resolved(pip(python, *plan, *second))
    assert "pillow" in rest and "torch" not in rest and "torchvision" not in rest
    assert not [name for name in rest if name.startswith(CUDA)]


def test_pytorchs_own_index_has_no_cuda(python: Path) -> None:
    plan = ["--dry-run", "--ignore-installed", "--quiet", "--report", "-", "--retries", "0"]
    ran = pip(python, *plan, "torch", "torchvision", "--index-url", CPU_INDEX, "--timeout", "10")
    if ran.returncode and "No matching distribution" in ran.stderr:
        pytest.skip(f"no index of CPU builds at hand: {CPU_INDEX} does not answer")
    found = resolved(ran)
    assert found["torch"].endswith("+cpu") or sys.platform == "darwin"
    assert not [name for name in found if name.lower().startswith(CUDA)]
