"""Every key that a command prints is named in docs/files.md."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Ran, drawn

Tv = Callable[..., Ran]

DOCUMENTED = (REPOSITORY / "docs" / "files.md").read_text("utf-8")


def named(record: str) -> set[str]:
    """Return the names in the rows of the table of records that begin with one."""
    rows = re.findall(rf"^\| {re.escape(record)}.*$", DOCUMENTED, re.M)
    assert rows, record
    return set(re.findall(r"`(\w+)`", " ".join(rows)))


@pytest.fixture
def collection(tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        folder = Path("photos", str(number % 2))
        folder.mkdir(parents=True, exist_ok=True)
        drawn(number).save(folder / f"{number}.png")
    drawn(0).resize((240, 180)).save("photos/0/small.png")
    shutil.copyfile("photos/0/0.png", "photos/0/again.png")
    assert tv("index", "photos", "-o", "x.tvx", "--keypoints", "-q").status == 0


@pytest.mark.usefixtures("collection")
def test_every_key_printed_is_documented(tv: Tv) -> None:
    triplet = {r: {"image": f"photos/{n}"} for r, n in zip(
        ("anchor", "positive", "negative"), ("0/0.png", "0/small.png", "1/1.png"), strict=True
    )}  # fmt: skip
    Path("t.jsonl").write_text(json.dumps(triplet) + "\n")
    search = ("search", "photos/0/small.png", "-i", "x.tvx", "--format", "jsonl")
    for record, key, command in (
        ("hit", "probability", (*search, "--verify", "--unverified", "--distinct")),
        ("hit", "same_content", (*search, "--distinct")),
        ("hit", "query_box", (*search, "--box", "8,8,120,120")),
        ("pair", "probability", ("same", "photos/0/0.png", "photos/0/small.png")),
        ("group", "probability", ("dedupe", "x.tvx")),
        ("figure", "low", ("eval", "search", "x.tvx")),
        ("figure", "triplets", ("eval", "triplets", "x.tvx", "t.jsonl", "--split", "all")),
    ):
        ran = tv(*command)
        assert ran.out, (command, ran.err)
        printed = [json.loads(line) for line in ran.out.splitlines()]
        printed += [member for one in printed for member in one.get("members", ())]
        keys = {key for one in printed for key in one}
        assert key in keys, command
        assert keys <= named(record), command
