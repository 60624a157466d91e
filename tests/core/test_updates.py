"""Updates in place, against artifacts made anew of the same photos."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from conftest import picture
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tvcli.core.encoding.checkpoints import encode_file
from tvcli.core.encoding.encoder import Encoder, make_encoder
from tvcli.core.encoding.updates import UpdateRequest, update_file
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.sources import open_sources
from tvcli.core.indexes.index import open_index
from tvcli.core.indexes.indexing import index_photos
from tvcli.core.indexes.updates import change_photos, tell_photos
from tvcli.core.reports import Report

MADE: dict[str, Any] = {"command": ["tv"], "inputs": []}
NAMES = [f"{folder}{number}.png" for folder in ("", "inner/") for number in range(4)]
TOLERANCE = 4e-3  # of float16, and of batches of other sizes


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder("mini", size=32, pool="mean")


def build(folder: Path, target: Path, encoder: Encoder) -> None:
    source = open_sources([str(folder)], stdin=io.BytesIO())
    index_photos(source, encoder, target, Report(), MADE)


def update(target: Path, *arguments: object, way: Any = "update", **more: Any) -> str:
    request = UpdateRequest(way, [str(a) for a in arguments], io.BytesIO(), **more)
    return str(change_photos(target, request, Report(), MADE))


def rows_of(target: Path) -> dict[tuple[str, str], np.ndarray[Any, Any]]:
    with open_index(target) as index:
        keys = zip(index.images, index.read("digest"), strict=True)
        return dict(zip(keys, index.vectors(slice(None)), strict=True))


def same(first: Path, second: Path) -> None:
    one, two = rows_of(first), rows_of(second)
    assert one.keys() == two.keys()
    assert all(np.abs(one[key] - two[key]).max() < TOLERANCE for key in one)


def test_what_is_new_changed_moved_and_gone(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    assert update(target, photos) == "0 added, 0 changed, 0 moved, 0 removed, 0 skipped"
    picture(20).save(photos / "new.png")
    picture(21).save(photos / "1.png")
    (photos / "2.png").rename(photos / "inner" / "two.png")
    (photos / "3.png").unlink()
    shutil.copy(photos / "4.png", photos / "four.png")
    (photos / "bad.png").write_text("no picture")
    request = UpdateRequest("update", [str(photos)], io.BytesIO())
    told = list(tell_photos(target, request, Report()))
    assert Counter(record["change"] for record in told) == {
        "added": 2, "changed": 1, "moved": 1, "removed": 1, "skipped": 1,
    }  # fmt: skip
    assert {
        "change": "moved",
        "image": str(photos / "inner" / "two.png"),
        "from": str(photos / "2.png"),
    } in told
    assert update(target, photos) == "2 added, 1 changed, 1 moved, 1 removed, 1 skipped"
    build(photos, tmp_path / "anew.tvx", encoder)
    same(target, tmp_path / "anew.tvx")
    assert update(target, photos) == "0 added, 0 changed, 0 moved, 0 removed, 1 skipped"


def test_what_is_moved_is_not_encoded(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(photos, tmp_path / "x.tvx", encoder)
    (photos / "inner").rename(photos / "moved")
    shutil.copy(photos / "0.png", photos / "copy.png")
    monkeypatch.setattr("tvcli.core.encoding.updates.encoder_of", None)
    told = "1 added, 0 changed, 3 moved, 0 removed, 0 skipped"
    assert update(tmp_path / "x.tvx", photos) == told


def test_what_has_not_changed_is_not_read(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    monkeypatch.setattr("tvcli.core.encoding.stat_cache.read_photo", None)
    assert update(target, photos).startswith("0 added, 0 changed")
    monkeypatch.undo()
    read: list[Path] = []
    monkeypatch.setattr(
        "tvcli.core.encoding.stat_cache.read_photo",
        lambda path: read.append(path) or path.read_bytes(),
    )
    os.utime(photos / "1.png", ns=(1, 1))
    assert update(target, photos) == "0 added, 0 changed, 0 moved, 0 removed, 0 skipped"
    assert update(target, photos).startswith("0 added, 0 changed")
    assert read == [photos / "1.png"]
    (target / "stamps.npy").write_bytes(b"no stamps")
    assert update(target, photos).startswith("0 added, 0 changed")
    assert len(read) == 9


def test_add_and_remove(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    more = tmp_path / "more"
    more.mkdir()
    picture(30).save(more / "a.png")
    assert update(target, more, way="add").startswith("1 added, 0 changed, 0 moved, 0 removed")
    assert update(target, more, way="add").startswith("0 added")
    with open_index(target) as index:
        assert index.images[-1] == "../more/a.png"
    told = update(target, "1.png", photos / "inner", "none.png", way="remove")
    assert told == "0 added, 0 changed, 0 moved, 4 removed, 1 skipped"
    with open_index(target) as index:
        assert index.images == ["0.png", "2.png", "3.png", "4.png", "../more/a.png"]
        similarities, rows = index.search(index.vectors(slice(None)), 5)
        assert rows[:, 0].tolist() == [0, 1, 2, 3, 4]
        assert similarities.min() > -1
    with pytest.raises(BadInput, match="nothing would be left"):
        update(target, photos, more, way="remove")
    assert len(rows_of(target)) == 5


def test_settings_never_mix(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    for asked in ({"size": 64}, {"backbone": "alexnet"}, {"fit": "pad"}, {"engine": "annoy"}):
        with pytest.raises(Mismatch, match="or make it anew: tv index"):
            update(target, photos, asked=asked)
    assert update(target, photos, asked={"size": 32, "pool": "mean"}).startswith("0 added")


def test_regions_of_records(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    boxes = tmp_path / "boxes.jsonl"
    lines = [
        '{"image": "photos/0.png", "box": [0, 0, 50, 50], "label": "left"}',
        '{"image": "photos/0.png", "box": [20, 20, 80, 70], "label": "right"}',
        '{"image": "photos/1.png"}',
    ]
    boxes.write_text("\n".join(lines))
    target = tmp_path / "x.tvx"
    build(boxes, target, encoder)
    assert update(target, boxes).startswith("0 added, 0 changed, 0 moved, 0 removed")
    boxes.write_text("\n".join([lines[0], lines[2]]))
    assert update(target, boxes).startswith("0 added, 1 changed, 0 moved, 0 removed")
    with open_index(target) as index:
        assert sorted(zip(index.images, index.labels, strict=True)) == [
            ("photos/0.png", "left"),
            ("photos/1.png", ""),
        ]


def test_photos_of_a_folder_that_cannot_be_read_stay(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    walk = os.walk

    def broken(folder: Any, onerror: Any) -> Any:
        for parent, folders, files in walk(folder):
            if Path(parent).name == "inner":
                onerror(OSError(5, "Input/output error", parent))
            else:
                yield parent, folders, files

    (photos / "0.png").unlink()
    monkeypatch.setattr("os.walk", broken)
    assert update(target, photos) == "0 added, 0 changed, 0 moved, 1 removed, 0 skipped"
    with open_index(target) as index:
        assert "inner/5.png" in index.images


def test_a_disk_that_goes_away_after_its_photos_were_listed_takes_none_with_it(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    walk = os.walk

    def listed(folder: Any, onerror: Any) -> Any:
        found = list(walk(folder))
        (photos / "inner").rename(tmp_path / "away")
        (photos / "0.png").unlink()
        return iter(found)

    monkeypatch.setattr("os.walk", listed)
    assert update(target, photos) == "0 added, 0 changed, 0 moved, 0 removed, 4 skipped"
    with open_index(target) as index:  # what is gone alone was deleted
        assert sorted(index.images) == sorted(
            [*(f"{n}.png" for n in range(1, 5)), *(f"inner/{n}.png" for n in range(5, 8))]
        )


def test_a_photo_that_cannot_be_read_stays_until_it_can(
    photos: Path, tmp_path: Path, encoder: Encoder
) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    before = rows_of(target)
    (photos / "0.png").unlink()
    (photos / "0.png").symlink_to(tmp_path / "unmounted" / "0.png")
    report = Report()
    request = UpdateRequest("update", [str(photos)], io.BytesIO())
    (told,) = tell_photos(target, request, report)
    assert (told["change"], told["reason"]) == ("skipped", "No such file or directory")
    assert report.skips == 0  # the record tells it
    assert str(change_photos(target, request, report, MADE)).endswith("0 removed, 1 skipped")
    (skip,) = report.skipped
    assert skip.image.endswith("0.png") and skip.reason.endswith("; it stays as it is")
    assert rows_of(target).keys() == before.keys()
    (photos / "0.png").unlink()
    (photos / "0.png").write_bytes(b"no photo any more")
    assert update(target, photos).endswith("0 removed, 1 skipped")
    assert len(rows_of(target)) == 7


def test_a_photo_that_may_not_be_read_is_looked_at_again(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    picture(70).save(photos / "0.png")
    opened = Path.open

    def refused(path: Path, *how: Any, **more: Any) -> Any:
        if path.name == "0.png":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *how, **more)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Path, "open", refused)
        assert update(target, photos).endswith("0 removed, 1 skipped")
    assert update(target, photos) == "0 added, 1 changed, 0 moved, 0 removed, 0 skipped"


def test_an_empty_source_empties_nothing(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    shutil.rmtree(photos)
    photos.mkdir()
    with pytest.raises(BadInput, match="no photos found"):
        update(target, photos)
    assert len(rows_of(target)) == 8


@pytest.mark.parametrize("engine", ["exact", "annoy"])
def test_many_updates_are_tidied(
    tmp_path: Path, photos: Path, encoder: Encoder, engine: Any
) -> None:
    for number in range(8, 34):
        picture(number, 40, 40).save(photos / f"{number}.png")
    target = tmp_path / "x.tvx"
    source = open_sources([str(photos)], stdin=io.BytesIO())
    index_photos(source, encoder, target, Report(), MADE, engine=engine)
    for number in range(40, 52):
        picture(number, 40, 40).save(photos / f"{number}.png")
        (photos / f"{number - 32}.png").unlink()
        assert update(target, photos) == "1 added, 0 changed, 0 moved, 1 removed, 0 skipped"
        with open_index(target) as index:
            assert index.store.engine_name == engine
            found = index.search(index.vectors(slice(None)), 1)[1][:, 0]
            assert found.tolist() == list(range(len(index)))
            assert len(index.manifest.segments) <= 8
        assert len(list(target.glob("embeddings-*.h5"))) == len(index.manifest.segments)
    build(photos, tmp_path / "anew.tvx", encoder)
    same(target, tmp_path / "anew.tvx")


@pytest.mark.annoy
def test_an_open_index_keeps_what_it_has(tmp_path: Path, photos: Path, encoder: Encoder) -> None:
    """Its structure was not yet open when an update took the file away."""
    target = tmp_path / "x.tvx"
    source = open_sources([str(photos)], stdin=io.BytesIO())
    index_photos(source, encoder, target, Report(), MADE, engine="annoy")
    with open_index(target) as index:
        images = list(index.images)
        update(target, photos / "inner", way="remove")
        after = (target / "index.json").read_bytes()
        found = index.search(index.vectors(slice(None)), 1)[1][:, 0]
        assert found.tolist() == list(range(8))
        assert index.store.engine_name == "exact"
        assert images == index.images
    assert (target / "index.json").read_bytes() == after
    with open_index(target) as index:
        assert (index.store.engine_name, len(index)) == ("annoy", 5)


def test_key_points_follow(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    pytest.importorskip("cv2", reason="key points need OpenCV")
    from tvcli.core.indexes.keypoints import keep_keypoints

    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    keep_keypoints(target, "orb", Report())
    picture(40).save(photos / "new.png")
    (photos / "1.png").unlink()
    assert update(target, photos).startswith("1 added, 0 changed, 0 moved, 1 removed")
    with open_index(target) as index:
        file = target / index.settings["keypoints"]["file"]
        with open_artifact(file, "keypoints") as kept:
            assert sorted(kept.read("digest")) == sorted(index.read("digest"))


def test_key_points_that_an_ended_update_left_out_are_kept_by_the_next(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cv2", reason="key points need OpenCV")
    from tvcli.core.indexes import keypoints

    def lacking() -> bool:
        with open_index(target) as index:
            return keypoints.lacks_some(index)

    target = tmp_path / "x.tvx"
    build(photos, target, encoder)
    keypoints.keep_keypoints(target, "orb", Report())
    assert not lacking()
    picture(40).save(photos / "new.png")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keypoints, "describe", Mock(side_effect=KeyboardInterrupt))
        update(target, photos)
    assert lacking()
    assert update(target, photos).startswith("0 added")
    assert not lacking()


def test_encodings_come_in_the_order_of_the_source(
    photos: Path, tmp_path: Path, encoder: Encoder
) -> None:
    target, anew = tmp_path / "e.h5", tmp_path / "anew.h5"

    def encode(path: Path) -> None:
        source = open_sources([str(photos)], stdin=io.BytesIO())
        encode_file(source, encoder, path, Report(), MADE)

    encode(target)
    picture(40).save(photos / "1b.png")
    (photos / "2.png").unlink()
    (photos / "3.png").rename(photos / "inner" / "0.png")
    picture(41).save(photos / "inner" / "5.png")
    request = UpdateRequest("update", [str(photos)], io.BytesIO())
    counts = update_file(target, request, Report(), MADE)
    assert str(counts) == "1 added, 1 changed, 1 moved, 1 removed, 0 skipped"
    encode(anew)
    with open_artifact(target, "encodings") as one, open_artifact(anew, "encodings") as two:
        for name in ("image", "digest", "asked"):
            assert one.read(name) == two.read(name)
        assert np.array_equal(one.read("region"), two.read("region"))
        assert np.allclose(one.read("encodings"), two.read("encodings"), atol=TOLERANCE)
    before = target.stat().st_mtime_ns
    counts = update_file(target, request, Report(), MADE)
    assert str(counts) == "0 added, 0 changed, 0 moved, 0 removed, 0 skipped"
    assert target.stat().st_mtime_ns == before


KEEP_CHANGING = """
import sys
from pathlib import Path
from tests_updates import flip, update
photos, target = map(Path, sys.argv[1:])
for number in range(1000):
    flip(photos, number)
    update(target, photos)
"""


def test_who_searches_meanwhile_sees_one_state_or_the_other(
    photos: Path, tmp_path: Path, encoder: Encoder
) -> None:
    """Another process updates in a loop, in which two photos always change together."""
    target = tmp_path / "x.tvx"
    states = []
    for number in range(2):
        flip(photos, number)
        build(photos, target, encoder)
        states.append(set(rows_of(target)))
    script = tmp_path / "keep_changing.py"
    script.write_text(KEEP_CHANGING)
    shutil.copy(__file__, tmp_path / "tests_updates.py")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    command = [sys.executable, str(script), str(photos), str(target)]
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    seen: list[int] = []
    with subprocess.Popen(command, env=environment) as process:
        try:
            while changes(seen) < 6 and process.poll() is None:
                seen.append(_searched(target, states))
        finally:
            process.kill()
    assert changes(seen) >= 6


def changes(seen: list[int]) -> int:
    """Return how often the index was seen to have changed."""
    return sum(first != second for first, second in pairwise(seen))


def flip(photos: Path, number: int) -> None:
    """Change two photos, and give a third another name."""
    names = ("here.png", "there.png")
    picture(50 + number % 2).save(photos / "0.png")
    picture(60 + number % 2).save(photos / "1.png")
    (photos / names[number % 2]).unlink(missing_ok=True)
    picture(70).save(photos / names[1 - number % 2])


def _searched(target: Path, states: list[set[tuple[str, str]]]) -> int:
    """Return which state an index is in, after searching it with all its rows."""
    with open_index(target) as index:
        rows = set(zip(index.images, index.read("digest"), strict=True))
        found = index.search(index.vectors(slice(None)), 1)[1]
        assert found[:, 0].tolist() == list(range(len(index)))
        return states.index(rows)


class Collections(RuleBasedStateMachine):
    """Whatever happens to photos, an update ends where a fresh build does."""

    @initialize(seed=st.integers(0, 5))
    def start(self, seed: int) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tv-"))
        self.photos, self.target = self.home / "photos", self.home / "x.tvx"
        (self.photos / "inner").mkdir(parents=True)
        picture(seed, 40, 40).save(self.photos / "first.png")
        self.encoder = make_encoder("mini", size=32, pool="mean")
        build(self.photos, self.target, self.encoder)

    @rule(name=st.sampled_from(NAMES), seed=st.integers(0, 6))
    def put(self, name: str, seed: int) -> None:
        picture(seed, 40, 40).save(self.photos / name)

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def rename(self, name: str, other: str) -> None:
        if (self.photos / name).exists():
            (self.photos / name).rename(self.photos / other)

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def swap(self, name: str, other: str) -> None:
        one, two = self.photos / name, self.photos / other
        if one.exists() and two.exists() and one != two:
            one.rename(self.home / "held")
            two.rename(one)
            (self.home / "held").rename(two)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        (self.photos / name).unlink(missing_ok=True)

    @rule(name=st.sampled_from(NAMES))
    def spoil(self, name: str) -> None:
        (self.photos / name).write_text("no picture")

    @rule()
    def update(self) -> None:
        update(self.target, self.photos)
        self.check()

    @precondition(lambda self: len(rows_of(self.target)) > 1)
    @rule(place=st.integers(0, 8))
    def take_global_flags(self, place: int) -> None:
        with open_index(self.target) as index:
            image = index.images[place % len(index)]
        update(self.target, image, way="remove")
        assert image not in {name for name, _ in rows_of(self.target)}

    def check(self) -> None:
        build(self.photos, self.home / "anew.tvx", self.encoder)
        same(self.target, self.home / "anew.tvx")

    def teardown(self) -> None:
        if hasattr(self, "home"):
            update(self.target, self.photos)
            self.check()
            shutil.rmtree(self.home)


TestCollections = Collections.TestCase
TestCollections.settings = settings(
    max_examples=10,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
