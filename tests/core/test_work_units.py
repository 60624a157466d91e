"""Lots as a cluster's workers encode them, without a cluster."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, picture

from tvcli.core.encoding import work_units
from tvcli.core.encoding.checkpoints import encode_file
from tvcli.core.encoding.encode import Chunk, chunked
from tvcli.core.encoding.encoder import Encoder, make_encoder
from tvcli.core.encoding.ray_cluster import Job, WorkUnitEncoder
from tvcli.core.encoding.work_units import WorkUnit, filled_parts, tell_part, write_work_units
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source, open_sources
from tvcli.core.reports import Report


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder("mini", size=64, pool="mean", batch=1, device="cpu")


@pytest.fixture(autouse=True)
def small_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_units, "CHUNKS", 2)


def source(*paths: object) -> Source:
    return open_sources([str(path) for path in paths], stdin=io.BytesIO())


class Workers:
    """Stands for a cluster: two actors take the lots in turn; some lots may be left out."""

    def __init__(self, leave: tuple[int, ...] = ()) -> None:
        self.leave, self.encoded = leave, list[int]()

    def __call__(
        self, folder: Path, source: Source, encoder: Encoder, report: Report
    ) -> Iterator[Path]:
        runtime = encoder.network.runtime
        job = Job(folder, source.root, encoder.spec, None, runtime, 1, "cpu", 1)
        actors = WorkUnitEncoder(job), WorkUnitEncoder(job)
        missing = write_work_units(folder, chunked(source.regions, 1), source.root)
        for path in folder.glob("part-*.h5"):
            tell_part(path, source.root, report)
        for work_unit in reversed(
            [work_unit for work_unit in missing if work_unit.number not in self.leave]
        ):
            self.encoded.append(work_unit.number)
            batch = {"number": np.array([work_unit.number]), "offset": np.array([work_unit.offset])}
            done = actors[work_unit.number % 2](batch)
            if done["error"] != [""]:
                raise BadInput(done["error"][0])
            tell_part(folder / f"part-{work_unit.number:06}.h5", source.root, report)
        if self.leave:
            raise BadInput("interrupted")
        yield from filled_parts(folder)


def test_workers_make_the_same_file(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    (photos / "1-bad.jpg").write_text("text")
    report = Report()
    assert encode_file(source(photos), encoder, tmp_path / "c.h5", report, {}, Workers()) == 8
    assert (report.done, [skip.image for skip in report.skipped]) == (
        8,
        [str(photos / "1-bad.jpg")],
    )
    encode_file(source(photos), encoder, tmp_path / "p.h5", Report(), {})
    assert (tmp_path / "c.h5").read_bytes() == (tmp_path / "p.h5").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "c.h5", "p.h5"}


def test_what_is_done_is_not_done_again(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    target = tmp_path / "c.h5"
    with pytest.raises(BadInput, match="interrupted"):
        encode_file(source(photos), encoder, target, Report(), {}, Workers(leave=(1, 2)))
    picture(50).save(photos / "0.png")
    workers, report = Workers(), Report()
    assert encode_file(source(photos), encoder, target, report, {}, workers) == 8
    assert sorted(workers.encoded) == [0, 1, 2]
    assert report.done == 8


def test_lots_of_bad_photos_only(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    for name in ("0", "1", "2", "3"):
        (photos / f"{name}.png").write_bytes(b"x")
    report = Report()
    assert encode_file(source(photos), encoder, tmp_path / "c.h5", report, {}, Workers()) == 4
    assert len(report.skipped) == 4
    with open_artifact(tmp_path / "c.h5") as file:
        assert file.row_shape == (256,)


def test_a_lot_that_kills_its_workers(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    write_work_units(tmp_path, chunked(source(photos).regions, 1), photos)
    for _ in range(work_units.TRIES):  # begun, and never ended
        with (tmp_path / "tries-000000").open("ab") as stream:
            stream.write(b".")
    with pytest.raises(BadInput, match=r"lots\.jsonl:1: 5 workers died of these photos"):
        work_units.encode_work_unit(tmp_path, WorkUnit(0, 0), photos, encoder, 1)
    assert len(write_work_units(tmp_path, chunked(source(photos).regions, 1), photos)) == 4
    work_units.encode_work_unit(tmp_path, WorkUnit(0, 0), photos, encoder, 1)
    assert not list(tmp_path.glob("tries-*"))


def test_storage_must_be_shared(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(BadInput, match="all nodes must share the storage"):
        work_units.encode_work_unit(tmp_path / "elsewhere", WorkUnit(0, 0), photos, encoder, 1)


def test_a_picture_through_a_pipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="standard input cannot be encoded by a cluster"):
        write_work_units(tmp_path, [Chunk([[Region("-", data=b"x")]])], tmp_path)


def test_workers_of_another_version(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    write_work_units(tmp_path, chunked(source(photos).regions, 1), photos)
    job = Job(tmp_path, photos, encoder.spec, None, "onnx", 1, "cpu", 1, version="9.9")
    done = WorkUnitEncoder(job)({"number": np.array([0]), "offset": np.array([0])})
    assert "a worker runs tv" in done["error"][0]


def test_without_ray(
    tv: Callable[..., Ran], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    ran = tv("encode", photos, "-o", tmp_path / "e.h5", "--size", 64, "--ray", "auto")
    assert (ran.status, ran.err) == (2, "tv: --ray: needs Ray: pip install 'tvcli[ray]'\n")
    ran = tv("encode", photos, "-o", "-", "--ray", "auto")
    assert (ran.status, "needs -o FILE" in ran.err) == (2, True)
