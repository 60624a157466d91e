import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran
from pages import client_of
from starlette.testclient import TestClient

from tvcli.cli import run
from tvcli.core.files.sources import open_sources
from tvcli.serve.pages import open_box_editor, open_gallery

Tv = Callable[..., Ran]
HEADS = (Path("classifier.h5"), Path("boxes.h5"))


@pytest.fixture(scope="module")
def taught(made: Path) -> Path:
    """Give the folder with hastily trained heads, and an index of what they locate."""
    names = ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png"]
    records = [{"image": f"photos/{name}", "box": [40, 30, 180, 150]} for name in names]
    splits = ["test" if number % 3 == 0 else "train" for number in range(len(names))]
    lines = [json.dumps(r | {"split": s}) for r, s in zip(records, splits, strict=True)]
    (made / "known.jsonl").write_text("\n".join(lines) + "\n")
    before = Path.cwd()
    os.chdir(made)
    for command in (
        "crops known.jsonl -o crops.jsonl --per-photo 3 --looks 4",
        "encode crops.jsonl -o crops.h5 --size 112",
        "train-classifier crops.h5 -o classifier.h5",
        "train-boxes crops.h5 -o boxes.h5",
        "index photos --classifier classifier.h5 --boxes boxes.h5 --size 64 -o located.tvx",
    ):
        assert run(command.split()) == 0, command
    os.chdir(before)
    return made


@pytest.fixture
def gallery(taught: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.chdir(taught)
    with open_gallery([Path("located.tvx")], None) as app, client_of(app) as client:
        yield client


def test_a_file_is_located_as_tv_search_does(gallery: TestClient, tv: Tv) -> None:
    for locate, option in ((True, "--locate"), (False, "--no-locate")):
        ran = tv("search", "photos/3.png", option, "-i", "located.tvx", "--format", "jsonl")
        assert ran.status == 0, ran.err
        lines = [json.loads(line) for line in ran.out.splitlines()]
        kept = gallery.post("/api/files", content=Path("photos/3.png").read_bytes()).json()
        answer = gallery.post("/api/search", json={"file": kept["file"], "locate": locate}).json()
        shown: list[dict[str, Any]] = answer["hits"]
        assert [(hit["image"], hit["similarity"]) for hit in shown] == [
            (line["image"], line["similarity"]) for line in lines
        ]
        assert locate or "located" not in answer


def test_the_boxes_editor_proposes_what_the_heads_find(
    taught: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(taught)
    source = open_sources(["photos"], stdin=None)  # type: ignore[arg-type]
    with open_box_editor(source, Path("new.jsonl"), HEADS) as app, client_of(app) as client:
        found = [client.get(f"/api/photos/{place}").json()["proposals"] for place in range(9)]
        assert client.get("/api/about").json()["proposed"] == 9
    for box in (proposal["box"] for proposals in found for proposal in proposals):
        assert 0 <= box[0] < box[2] <= 240
        assert 0 <= box[1] < box[3] <= 200
