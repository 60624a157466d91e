"""Names and settings of others that would act on the terminal they are shown on."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import picture

from tvcli.terminal.harmless import printable, printable_lines, shortened

TITLE, CLEAR, C1, BIDI = "\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "\u202egpj."
EVIL = TITLE + CLEAR + C1 + BIDI
OF_THE_BAR = re.compile("\x1b\\[(2K|1A|[?]25[lh])")
ACTING = re.compile(
    "\x1b(?!\\[[0-9;]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


# In one process, as `tv` runs each: what a command needs is imported once for all.
ONE_AFTER_THE_OTHER = """
import json, sys
from tvcli.cli import run
from tvcli.terminal.standard_files import make_usable

make_usable()
for arguments in json.loads(sys.argv[1]):
    status = run(arguments)
    print(f"\\x1e{status}\\x1e", end="", flush=True)
"""


def on_terminal(folder: Path, *commands: list[str]) -> list[str]:
    """Return what each of some commands shows on a terminal."""
    main, end = pty.openpty()
    python = [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)]
    with subprocess.Popen(python, cwd=folder, stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        shown = b""
        while True:
            try:
                part = os.read(main, 2**16)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(main)
    assert process.returncode == 0, shown
    *parts, rest = shown.decode("utf-8", "replace").split("\x1e")
    assert not rest and len(parts) == 2 * len(commands), shown
    assert set(parts[1::2]) <= set("01234")
    return parts[::2]


def test_controls_are_shown_as_escapes() -> None:
    assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n" and printable("grün 図") == "grün 図"
    assert printable_lines("a\nb\x9b") == "a\nb\\x9b"
    assert not ACTING.search(printable(EVIL))


def test_endless_names_are_not_told_whole(download: Path, victim: Any) -> None:
    name = "a" * 100_000
    for records in ([{"image": f"{name}.png"}], [{"image": "photos/0.png", "box": [name]}]):
        (download / "r.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
        ran = victim("encode", "r.jsonl", "-o", "r.h5")
        assert ran.returncode == 3 and len(ran.stderr) < 5000, ran.stderr[:5000]
    assert shortened("short\n" + "x" * 2000).startswith("short\nxxx")
    assert len(shortened("x" * 2000)) < 1000


@pytest.fixture
def garbling(download: Path, make_index: Callable[..., Path]) -> Path:
    """Give the download with an evil name, label and settings in an index."""
    picture(7).save(download / "photos" / f"{EVIL}.png")
    records = [{"image": f"photos/{n}.png", "label": EVIL} for n in range(3)]
    records.append({"image": f"photos/{EVIL}.png", "label": EVIL})
    (download / "r.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    file = make_index("r.jsonl")
    manifest = json.loads(file.read_text())
    manifest["settings"]["rank"] = {"file": "no.h5", "hash": "0", "from": f"'; {EVIL} #"}
    manifest["provenance"]["command"] = ["tv", EVIL, f"[red]{EVIL}"]
    file.write_text(json.dumps(manifest))
    return download


def test_no_bar_is_on_the_terminal_with_results(download: Path) -> None:
    for number in range(3, 10):
        picture(number).save(download / "photos" / f"{number}.png")
    photos = [f"photos/{number}.png" for number in range(10)]
    records = [{"image": name, "label": "xy"[n % 2]} for n, name in enumerate(photos)]
    (download / "r.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    (download / "copy.png").write_bytes((download / photos[0]).read_bytes())
    commands = {
        "group 1": ["dedupe", *photos, "copy.png"],
        '"image": ': ["copies", *photos, "-o", "copies", "--kinds", "crop"],
        "image,": ["label", *photos, "-i", "i.tvx", "--format", "csv"],
        "image  ": ["label", *photos, "-i", "i.tvx"],
    }
    index = ["index", "r.jsonl", "-o", "i.tvx", "--size", "64"]
    _, *shown = on_terminal(download, index, *commands.values())
    for first, text in zip(commands, shown, strict=True):
        assert "\x1b[2K" in text, "no bar was shown"
        assert first in text, text
        before, results = text.split(first, 1)
        assert "━" not in results and "\x1b[2K" not in results, text
        line = before.rsplit("\n", 1)[-1]
        assert "━" not in line.rsplit("\x1b[2K", 1)[-1], text


def test_nothing_acts_on_a_terminal(garbling: Path) -> None:
    name = f"photos/{EVIL}.png"
    (garbling / "photos" / f"bad{EVIL}.jpg").write_bytes(b"no")
    shown = on_terminal(
        garbling,
        ["info", "i.tvx"],
        ["info", "i.tvx", "--json"],
        ["info", "r.jsonl"],
        ["info", f"none{EVIL}"],
        ["index", "photos", "-o", "again.tvx", "--size", "64"],
        ["search", name, "-i", "i.tvx"],
    )
    (garbling / "j.tvx").mkdir()
    manifest = json.loads((garbling / "i.tvx" / "index.json").read_text())
    del manifest["settings"]["rank"]
    (garbling / "i.tvx" / "index.json").write_text(json.dumps(manifest))
    formats = ("table", "paths", "tsv", "jsonl")
    found = on_terminal(
        garbling,
        *(["search", name, "-i", "i.tvx", "--format", format] for format in formats),
        ["dedupe", "i.tvx", "--format", "table"],
    )
    assert all("owned" in text for text in found[:-1])
    shown += found
    for text in shown:
        assert not ACTING.search(OF_THE_BAR.sub("", text)), text


def test_a_command_to_copy_is_quoted(garbling: Path, victim: Any) -> None:
    ran = victim("search", "photos/0.png", "-i", "i.tvx")
    assert ran.returncode == 4 and ran.stderr.count("\n") == 1
    assert """--rank ''"'"'; """ in ran.stderr and "\x1b" not in ran.stderr


def test_paths_to_a_pipe_stay_as_they_are(garbling: Path, victim: Any) -> None:
    manifest = json.loads((garbling / "i.tvx" / "index.json").read_text())
    del manifest["settings"]["rank"]
    (garbling / "i.tvx" / "index.json").write_text(json.dumps(manifest))
    ran = victim("search", f"photos/{EVIL}.png", "-i", "i.tvx", "--format", "paths", "-k", 1)
    assert ran.stdout.rstrip("\n").endswith(f"{EVIL}.png")
    line = victim("search", f"photos/{EVIL}.png", "-i", "i.tvx", "-k", 1).stdout
    assert json.loads(line)["label"] == EVIL and not ACTING.search(line)
