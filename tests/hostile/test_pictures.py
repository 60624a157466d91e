"""Pictures that would have a program started, by whatever name they go."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import picture

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 96 80
%%EndComments
(owned) (w) file closefile
showpage
%%EOF
"""
KINDS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "MPO")


@pytest.fixture
def ghostscript(tmp_path: Path) -> Path:
    """Put a `gs` into a folder that tells when it is started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gs", "gswin64c", "ddjvu", "convert"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho $0 $* >> {tmp_path}/started\nexit 0\n")
        program.chmod(0o755)
    return folder


@pytest.mark.parametrize("name", ["holiday.jpg", "holiday.png", "holiday.eps"])
def test_postscript_starts_nothing(
    download: Path, victim: Any, tmp_path: Path, ghostscript: Path, name: str
) -> None:

    (download / "photos" / name).write_bytes(EPS)
    path = f"{ghostscript}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = victim("index", "photos", "-o", "i.tvx", "--size", 64, PATH=path)
    assert ran.returncode == 0 and ("skipped" in ran.stderr) == (not name.endswith("eps"))
    asked = victim("search", f"photos/{name}", "-i", "i.tvx", PATH=path)
    assert asked.returncode == 3 and asked.stdout == ""
    assert not (tmp_path / "started").exists()


def test_all_that_is_promised_opens(tmp_path: Path, victim: Any, download: Path) -> None:
    for number, kind in enumerate(KINDS):
        options = {"append_images": [picture(99)], "save_all": True} if kind == "MPO" else {}
        picture(number).save(download / f"{kind}.jpg", kind, **options)
    names = [f"{kind}.jpg" for kind in KINDS]
    (download / "list.txt").write_text("\n".join(names) + "\n")
    ran = victim("index", "list.txt", "-o", "all.tvx", "--size", 64)
    assert ran.returncode == 0 and f"{len(KINDS)} photos" in ran.stderr and "skip" not in ran.stderr
