"""The chain of docs/api.md, run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY

from tvcli.core.files.records import write_records
from tvcli.demo.drawing import draw_collection


def test_the_chain_from_python(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "api.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    records = [dict(record) for record in draw_collection(tmp_path, garments=4, photos_each=3)]
    names = ("image", "width", "height", "box")
    write_records(tmp_path / "boxes.jsonl", ({n: r[n] for n in names} for r in records))
    labels = ({"image": r["image"], "label": r["label"]} for r in records)
    write_records(tmp_path / "labels.jsonl", labels)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    found = ran.stdout.splitlines()
    assert len(found) == 3 and found[0].startswith("(1, 'photos/")
