"""Hostile input through the installed `tv`: one line, the right status, bounded memory and time."""

import io
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from conftest import Ran, picture

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
MEMORY = 12 * 2**30  # bytes of address space; torch alone maps several
SECONDS = 60


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=bounded,
    )


def refused(command: str, folder: Path, status: int, *words: str) -> None:
    ran = shell(command, folder)
    assert ran.returncode == status, ran.stderr
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert ran.stderr.startswith("tv: ")
    assert len(ran.stderr) < 1000
    for word in words:
        assert word in ran.stderr


# In one process, as `tv` runs each: what a command needs is imported once for all.
ONE_AFTER_THE_OTHER = """
import json, sys
from tvcli.cli import run

for command in json.loads(sys.argv[1]):
    status = run(command.split())
    sys.stderr.write(f"status {status}\\x1e")
"""


def each_refused(commands: dict[str, str], folder: Path) -> None:
    """Check that commands end in one line that has their words, and in exit status 3."""
    ran = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(list(commands))],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        preexec_fn=bounded,
    )
    for word, said in zip(commands.values(), ran.stderr.split("\x1e")[:-1], strict=True):
        line, status = said.splitlines()
        assert status == "status 3", said
        assert line.startswith("tv: ") and word in line and len(line) < 1000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(3):
        picture(number).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize(
    ("stream", "word"),
    [
        ("head -c 400M /dev/zero | tr '\\0' a", "list of paths"),
        ("(printf '{\"image\": \"'; head -c 400M /dev/zero | tr '\\0' a)", "longer than"),
        ("(printf '['; head -c 400M /dev/zero | tr '\\0' '[')", "array of more than"),
        ('printf \'{"image": "photos/0.png", "box": [0, 0, 1e400, 5]}\'', "1e400 is too large"),
        ('printf \'{"image": "photos/0.png", "box": [NaN, 0, 1, 5]}\'', "NaN"),
        ("printf '{\"image\": 5}'", "image"),
        ("printf '{\"a\":%.0s' $(seq 100000)", "nested too deeply"),
    ],
    ids=["path", "line", "array", "infinite", "nan", "type", "deep"],
)
def test_streams(home: Path, stream: str, word: str) -> None:
    refused(f"{stream} | tv encode - -o out.h5", home, 3, word)
    assert sorted(path.name for path in home.iterdir()) == ["photos"]


def linked_groups(path: Path) -> None:
    """Groups linked into each other: followed, there is no end to them."""
    with h5py.File(path, "r+") as file:
        group = file.create_group("g")
        for number in range(300):
            group[f"l{number}"] = group


def huge_state(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_dataset("state/huge", shape=(2**40,), dtype="f4", chunks=(1024,))


def outside(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["state/other"] = h5py.ExternalLink("/etc/hostname", "/")


def references(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        refs = file.create_dataset("state/refs", (2,), dtype=h5py.ref_dtype)
        refs[0] = file.ref


def test_heads(home: Path) -> None:
    commands = {}
    for harm in (linked_groups, huge_state, outside, references):
        name = f"{harm.__name__}.h5"
        with h5py.File(home / name, "w") as file:
            file.attrs.update(type="head", version=1, settings='{"head": "rank"}', provenance="{}")
            file["state/weight"] = np.eye(256, dtype=np.float32)
        harm(home / name)
        commands[f"index photos -o out.tvx --rank {name}"] = name
    each_refused(commands, home)


class Code:
    """What would run if anything were unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch owned",)


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": Code()}))


def torch_with_code(path: Path) -> None:
    torch.save({"a": Code()}, path)


def zip_of_nothing(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Code()))


def huge_safetensors(path: Path) -> None:
    about = {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    head = json.dumps(about).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head)


def endless_head(path: Path) -> None:
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")


def test_weights(home: Path) -> None:
    makers = pickled, torch_with_code, zip_of_nothing, huge_safetensors, endless_head
    files = [f"{make.__name__}.pth" for make in makers]
    for make, file in zip(makers, files, strict=True):
        make(home / file)
    encode = "encode photos -o out.h5 --backbone squeezenet1_1 --weights"
    each_refused({f"{encode} {file}": file for file in files}, home)
    assert not (home / "owned").exists()
    assert not (home / "out.h5").exists()


def test_paths_that_lead_out_of_an_index(home: Path, tv: Callable[..., Ran]) -> None:
    assert tv("index", home / "photos", "-o", home / "out.tvx").status == 0
    content = json.loads((home / "out.tvx" / "index.json").read_text())
    (home / "secret.h5").write_bytes((home / "out.tvx" / "embeddings-1.h5").read_bytes())
    commands = {}
    for number, change in enumerate(
        (
            {"segments": [{"file": "../secret.h5", "rows": 3}]},
            {"segments": [{"file": str(home / "secret.h5"), "rows": 3}]},
            {"settings": content["settings"] | {"rank": {"file": "../secret.h5", "hash": "0"}}},
            {"settings": content["settings"] | {"maps": {"file": "../secret.h5"}}},
            {"settings": content["settings"] | {"encoder": {"size": 10**9}}},
        )
    ):
        changed = shutil.copytree(home / "out.tvx", home / f"{number}.tvx")
        (changed / "index.json").write_text(json.dumps(content | change))
        commands[f"search photos/0.png -i {number}.tvx"] = "index"
    each_refused(commands, home)


def test_a_size_beyond_all_memory(home: Path, tv: Callable[..., Ran]) -> None:
    assert tv("index", home / "photos", "-o", home / "out.tvx").status == 0
    manifest = home / "out.tvx" / "index.json"
    content = json.loads(manifest.read_text())
    content["settings"]["encoder"]["size"] = 10**6
    manifest.write_text(json.dumps(content))
    refused("tv search photos/0.png -i out.tvx", home, 2, "size")


def bomb() -> bytes:
    """A PNG of 60,000 x 60,000 pixels in a few kilobytes of zeros."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(10**6), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_photos_that_are_none_stop_nothing(home: Path) -> None:
    folder = home / "photos"
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no picture")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    with (folder / "sparse.jpg").open("wb") as stream:
        stream.truncate(2**32)
    buffer = io.BytesIO()
    picture(9).save(buffer, "PNG")
    (folder / "cut.png").write_bytes(buffer.getvalue()[:-40])
    ran = shell("tv encode photos -o out.h5 --errors errors.jsonl", home)
    assert ran.returncode == 0, ran.stderr
    assert "3 photos in out.h5, 8 skipped" in ran.stderr
    reasons = [json.loads(line) for line in (home / "errors.jsonl").read_text().splitlines()]
    assert len({reason["image"] for reason in reasons}) == 8
