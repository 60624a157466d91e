import io
import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import picture
from torch import nn

from tvcli.core.backbones.loading import Backbone, BackboneSpec
from tvcli.core.encoding import checkpoints, encode
from tvcli.core.encoding.checkpoints import encode_file
from tvcli.core.encoding.encoder import Encoder, EncodeSettings, encoder_of, make_encoder
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source, open_sources
from tvcli.core.images.photo import Pixels, decode_photo, view
from tvcli.core.reports import Report


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder("mini", size=64, pool="mean", batch=3, device="cpu")


def source(*paths: object) -> Source:
    return open_sources([str(path) for path in paths], stdin=io.BytesIO())


def run(folder: Path, target: Path, encoder: Encoder, report: Report | None = None) -> int:
    return encode_file(source(folder), encoder, target, report or Report(), {})


def test_rows_are_those_of_a_plain_loop(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    assert run(photos, tmp_path / "e.h5", encoder) == 8
    expected = []
    for region in source(photos).regions:
        photo = decode_photo((photos / region.image).read_bytes())
        expected.append(encoder.encode([view(photo, None, 64, "squash")])[0])
    with open_artifact(tmp_path / "e.h5", "encodings") as file:
        assert file.read("image") == [region.image for region in source(photos).regions]
        assert np.allclose(file.read("encodings"), expected, atol=2e-3, rtol=2e-3)
        assert file.read("region")[0].tolist() == [0, 0, 96, 80]
        assert len(set(file.read("digest"))) == 8
        spec, weights = file.settings["encoder"], file.settings["weights_file"]
    assert encoder_of(spec, weights, device="cpu").spec == encoder.spec


def test_dense_maps(photos: Path, tmp_path: Path) -> None:
    dense = make_encoder("mini", size=64, device="cpu")
    run(photos, tmp_path / "e.h5", dense)
    pooled = make_encoder("mini", size=64, pool="mean", device="cpu")
    run(photos, tmp_path / "p.h5", pooled)
    with open_artifact(tmp_path / "e.h5") as maps, open_artifact(tmp_path / "p.h5") as vectors:
        assert maps.row_shape[1:] == (4, 4)
        means = maps.read("encodings").astype(np.float32).mean(axis=(2, 3))
        assert np.allclose(means, vectors.read("encodings"), atol=2e-3, rtol=1e-2)


def test_each_photo_is_opened_once(
    photos: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(encode, "read_photo", lambda p: opened.append(p) or p.read_bytes())
    crops = [Region("0.png", (0, 0, n + 9, 20)) for n in range(7)] + [Region("1.png")]
    blocks = list(encode.encode_chunks(encode.chunked(crops, 3), photos, encoder))
    assert sum(len(block) for block in blocks) == 8
    assert sorted(path.name for path in opened) == ["0.png", "1.png"]


def test_a_photo_named_without_end_is_parted(photos: Path, encoder: Encoder) -> None:
    endless = (Region("0.png", (0, 0, 20, 20)) for _ in itertools.count())
    first = list(itertools.islice(encode.chunked(endless, 3), 5))
    assert [len(chunk) for chunk in first] == [48] * 5

    images = ["0.png"] * 2 + ["1.png"] * 50 + ["2.png"] * 48 + ["3.png"]
    chunks = list(encode.chunked((Region(image) for image in images), 3))
    assert [len(chunk) for chunk in chunks] == [2 + 48, 2 + 48, 1]
    assert [r.image for chunk in chunks for photo in chunk.photos for r in photo] == images


def test_a_parted_photo_goes_on_where_it_stopped(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_one_photo() -> Source:
        crops = [Region("0.png", (n % 40, 0, n % 40 + 30, 60)) for n in range(100)]
        return Source(photos, iter(crops))

    monkeypatch.setattr(checkpoints, "PART_SECONDS", 0.0)  # every chunk is a part
    encode_file(of_one_photo(), encoder, tmp_path / "whole.h5", Report(), {})

    class Killed(Report):
        def advance(self, steps: int = 1) -> None:
            super().advance(steps)
            if self.done > 50:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_file(of_one_photo(), encoder, tmp_path / "killed.h5", Killed(), {})
    assert len(list((tmp_path / ".killed.h5.parts").glob("part-*.h5"))) == 1
    encode_file(of_one_photo(), encoder, tmp_path / "killed.h5", Report(), {})
    with (
        open_artifact(tmp_path / "whole.h5") as whole,
        open_artifact(tmp_path / "killed.h5") as killed,
    ):
        assert len(whole) == 100
        for column in ("encodings", "region", "image", "asked"):
            assert np.array_equal(whole.read(column), killed.read(column))


def test_beside_a_gpu_the_rows_are_the_same(photos: Path, encoder: Encoder) -> None:
    class Beside(Encoder):
        """An encoder whose backbone says that it runs elsewhere."""

        def __init__(self) -> None:
            self.batch, self.settings = encoder.batch, encoder.settings
            self.network = SimpleNamespace(on_cpu=False)

        def encode(self, pixels: list[Pixels]) -> np.ndarray:
            return encoder.encode(pixels)

    rows = [
        np.concatenate(
            [
                block.columns["encodings"]
                for block in encode.encode_chunks(
                    encode.chunked(source(photos).regions, 3), photos, one
                )
            ]
        )
        for one in (encoder, Beside())
    ]
    assert np.allclose(*rows, atol=2e-3)


def test_flipped_regions(photos: Path, encoder: Encoder) -> None:
    picture(0).transpose(0).save(photos / "mirrored.png")
    regions = [Region("0.png", flip=True), Region("mirrored.png")]
    (block,) = encode.encode_chunks([encode.Chunk([[r] for r in regions])], photos, encoder)
    first, second = block.columns["encodings"]
    assert np.allclose(first, second, atol=5e-3)


def test_bad_photos_are_left_out_and_told(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    (photos / "a-text.jpg").write_text("text")
    (photos / "inner" / "z-link.png").symlink_to("nowhere")
    report = Report()
    assert run(photos, tmp_path / "e.h5", encoder, report) == 8
    assert [(skip.image, skip.stage) for skip in report.skipped] == [
        (str(photos / "a-text.jpg"), "decode"),
        (str(photos / "inner" / "z-link.png"), "decode"),
    ]
    with pytest.raises(BadInput, match=r"a-text\.jpg: not a picture.*--strict"):
        run(photos, tmp_path / "s.h5", encoder, Report(strict=True))
    assert not (tmp_path / "s.h5").exists()


def test_nothing_to_encode(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"no photos found in .*empty: name photos"):
        run(tmp_path / "empty", tmp_path / "e.h5", encoder)
    (tmp_path / "empty" / "a.jpg").write_bytes(b"")
    with pytest.raises(BadInput, match=r"/a\.jpg: empty file$"):
        run(tmp_path / "empty", tmp_path / "e.h5", encoder)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


class Stopped(Exception):
    """Stands for whatever ends a job half-way."""


class Stopping(Report):
    """Ends the job after some rows."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def advance(self, steps: int = 1) -> None:
        super().advance(steps)
        if self.done >= self.rows:
            raise Stopped


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PART_SECONDS", 0.0)


@pytest.mark.usefixtures("small_parts")
def test_an_interrupted_job_goes_on(
    photos: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "1-text.jpg").write_text("text")
    run(photos, tmp_path / "whole.h5", encoder)
    target = tmp_path / "e.h5"
    with pytest.raises(Stopped):
        run(photos, target, encoder, Stopping(7))
    assert not target.exists()
    opened: list[Path] = []
    monkeypatch.setattr(encode, "read_photo", lambda p: opened.append(p) or p.read_bytes())
    report, notes = Report(), list[str]()
    monkeypatch.setattr(report, "note", notes.append)
    assert run(photos, target, encoder, report) == 8
    assert 0 < len(opened) < 8
    assert f"{8 - len(opened)} photos or parts kept of a job that was interrupted" in notes
    assert (report.done, len(report.skipped)) == (8, 1)
    assert target.read_bytes() == (tmp_path / "whole.h5").read_bytes().replace(b"whole", b"e")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.h5", "photos", "whole.h5"]


@pytest.mark.usefixtures("small_parts")
def test_a_changed_photo_is_encoded_again(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    target = tmp_path / "e.h5"
    with pytest.raises(Stopped):
        run(photos, target, encoder, Stopping(7))
    picture(99).save(photos / "0.png")
    run(photos, target, encoder)
    run(photos, tmp_path / "fresh.h5", encoder)
    with open_artifact(target) as found, open_artifact(tmp_path / "fresh.h5") as fresh:
        assert (found.read("encodings") == fresh.read("encodings")).all()


@pytest.mark.usefixtures("small_parts")
def test_a_damaged_part_is_made_again(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    target = tmp_path / "e.h5"
    with pytest.raises(Stopped):
        run(photos, target, encoder, Stopping(7))
    first = sorted((tmp_path / ".e.h5.parts").glob("part-*.h5"))[0]
    first.write_bytes(first.read_bytes()[:100])
    assert run(photos, target, encoder) == 8


@pytest.mark.usefixtures("small_parts")
def test_other_settings_never_mix(photos: Path, tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(Stopped):
        run(photos, tmp_path / "e.h5", encoder, Stopping(4))
    other = make_encoder("mini", size=96, pool="mean", batch=3, device="cpu")
    with pytest.raises(Mismatch, match=r"interrupted job.*rm -r '.*\.e\.h5\.parts'"):
        run(photos, tmp_path / "e.h5", other)


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="32 to 4096"):
        make_encoder("mini", size=8)
    vectors = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    backbone = Backbone(BackboneSpec("v", "fc", "0", 64, (0.0,) * 3, (1.0,) * 3), vectors)
    pixels = [np.zeros((64, 64, 3), np.uint8)]
    assert Encoder(backbone, EncodeSettings(64)).encode(pixels).shape == (1, 3)
    with pytest.raises(UsageError, match="gives vectors"):
        Encoder(backbone, EncodeSettings(64, pool="mean")).encode(pixels)
