"""Two generations of `mini`: what each made goes on with it, and nothing mixes them."""

import json
import logging
import shlex
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY, Ran, picture
from generations import CHANNELS, SIZE, make_second, registered

import tvcli
from tvcli.core.backbones.mini_files import generation_of, mini_spec
from tvcli.core.encoding.encoder import encoder_of, make_encoder
from tvcli.core.encoding.updates import UpdateRequest
from tvcli.core.errors import Mismatch
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.indexes import watching
from tvcli.core.indexes.index import open_index
from tvcli.core.ranking.map_pca import load_map_pca
from tvcli.core.reports import Report

Tv = Callable[..., Ran]
TOLD = "made by mini-1, which it stays with; mini is mini-2 now. To make it anew: "
FROZEN = REPOSITORY / "tests" / "frozen" / "version-1.tar.xz"


class Notes(Report):
    """Keeps what is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def note(self, message: str) -> None:
        """Keep a line."""
        self.lines.append(message)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the files of two generations."""
    made = tmp_path_factory.mktemp("weights")
    make_second(made)
    return made


@pytest.fixture
def typed(tv: Tv, monkeypatch: pytest.MonkeyPatch) -> Tv:
    """Run `tv` as a person types it: files record the command."""

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tv", *map(str, arguments)])
        return tv(*arguments)

    return call


@pytest.fixture
def old(typed: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an index made when `mini` was the first generation."""
    monkeypatch.chdir(tmp_path)
    with first():
        assert typed("index", "photos", "-o", "old.tvx", "-q").status == 0
    yield Path("old.tvx")


def first() -> Any:
    """Have only the first generation, as tv had before."""
    patch = pytest.MonkeyPatch()
    patch.setattr("tvcli.core.backbones.catalogue.GENERATIONS", ("mini-1",))
    patch.setattr("tvcli.core.backbones.catalogue.CURRENT", "mini-1")

    class Undone(nullcontext[None]):
        def __exit__(self, *_: object) -> None:
            patch.undo()

    return Undone()


@pytest.fixture
def second(old: Path, folder: Path) -> Iterator[None]:
    """Have the second generation from now on."""
    with registered(folder):
        yield


def info(tv: Tv, path: object) -> dict[str, Any]:
    ran = tv("info", path, "--json")
    assert ran.status == 0
    about: dict[str, Any] = json.loads(ran.out)
    return about


def hits(ran: Ran) -> list[dict[str, Any]]:
    assert ran.status == 0
    return [json.loads(line) for line in ran.out.splitlines()]


def encoded(path: Path) -> np.ndarray[Any, Any]:
    with open_artifact(path, "encodings") as file:
        rows: np.ndarray[Any, Any] = file.read("encodings")
        return rows


def refused(ran: Ran, *words: str) -> None:
    assert ran.status == 4
    assert ran.err.count("\n") == 1
    assert all(word in ran.err for word in words), ran.err


@pytest.mark.usefixtures("second")
def test_the_newest_is_taken_with_all_that_its_file_says(tv: Tv, photos: Path) -> None:
    assert tv("index", photos, "-o", "new.tvx", "-q").status == 0
    about = info(tv, "new.tvx")
    assert about["backbone"] == "mini-2"
    assert about["shape"] == [CHANNELS]
    encoder = about["settings"]["encoder"]
    assert (encoder["pool"], encoder["size"]) == ("gem", SIZE)
    assert encoder["backbone"]["mean"] == [0.5, 0.45, 0.4]
    ran = tv("search", photos / "3.png", "-i", "new.tvx", "-k", 1)
    assert hits(ran)[0]["similarity"] == pytest.approx(1, abs=2e-3)
    assert ran.err == ""


@pytest.mark.usefixtures("second")
def test_info_names_the_generation(tv: Tv, old: Path) -> None:
    assert info(tv, old)["backbone"] == "mini-1"
    shown = tv("info", old).out
    assert "mini-1, weights bd25039c6ec5" in shown


@pytest.mark.usefixtures("second")
def test_an_old_index_is_searched_as_before_and_says_once_how_to_renew_it(
    typed: Tv, photos: Path, old: Path
) -> None:
    search = ("search", photos, "-i", old, "-k", 3)
    ran = typed(*search)
    assert ran.err == f"old.tvx: {TOLD}tv index photos -o old.tvx\n"
    with first():
        before = typed(*search)
    assert before.err == ""
    assert before.out == ran.out
    assert len(hits(ran)) == 24
    quiet = typed(*search, "-q")
    assert (quiet.err, quiet.out) == ("", ran.out)
    command = shlex.split(ran.err.split("anew: ")[1])
    assert typed(*command[1:]).status == 0
    assert info(typed, old)["backbone"] == "mini-2"
    assert typed(*search).err == ""


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize(
    ("provenance", "command"),
    [
        ({}, "tv index photos -o old.tvx"),
        ("none", "tv index photos -o old.tvx"),
        ({"command": 3, "inputs": [4]}, "tv index photos -o old.tvx"),
        ({"command": ["tv", "merge", "a.tvx"], "inputs": []}, "tv index photos -o old.tvx"),
        (
            {"command": ["tv", "index", "a b", "-oold", "--watch", "--size", "64"], "inputs": []},
            "tv index 'a b' --size 64 -o old.tvx",
        ),
        ({"command": ["rm", "-r", "/"], "inputs": []}, "tv index photos -o old.tvx"),
        (
            {"command": ["tv", "demo", "--small", "d"], "inputs": [{"path": "located.h5"}]},
            "tv demo --small d",
        ),
        (
            {
                "command": ["tv", "index", "a.h5", "--rank", "r.h5", "-o", "x"],
                "inputs": [{"path": "a.h5"}],
            },
            "encode a.h5 again, train r.h5 again, then: tv index a.h5 --rank r.h5 -o old.tvx",
        ),
        (
            {"command": ["tv", "index", "photos", "--rank=r.h5"], "inputs": []},
            "train r.h5 again, then: tv index photos --rank=r.h5 -o old.tvx",
        ),
    ],
)
def test_the_command_is_one_of_tv_whatever_the_index_says(
    tv: Tv, old: Path, provenance: object, command: str
) -> None:
    manifest = json.loads((old / "index.json").read_text())
    (old / "index.json").write_text(json.dumps(manifest | {"provenance": provenance}))
    ran = tv("search", "--item", "1.png", "-i", old)
    assert (ran.status, ran.err) == (0, f"old.tvx: {TOLD}{command}\n")


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize(
    "command",
    [
        ("search", "--item", "1.png", "-i", "old.tvx"),
        ("label", "photos", "-i", "labelled.tvx"),
        ("label", "photos.h5", "-i", "labelled.tvx"),
        ("eval", "search", "old.tvx", "--queries", "photos"),
        ("dedupe", "old.tvx"),
    ],
    ids=lambda words: words[0],
)
def test_whatever_searches_says_it(tv: Tv, command: tuple[str, ...]) -> None:
    names = [f"photos/{'inner/' * (number >= 5)}{number}.png" for number in range(8)]
    lines = [{"image": name, "label": "ab"[place % 2]} for place, name in enumerate(names)]
    Path("labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with first():
        assert tv("index", "labels.jsonl", "-o", "labelled.tvx", "-q").status == 0
        assert tv("encode", "photos", "-o", "photos.h5", "-q").status == 0
    ran = tv(*command)
    assert ran.err.count(TOLD) == 1
    quiet = tv(*command, "-q")
    assert (quiet.status, TOLD in quiet.err) == (ran.status, False)
    assert ran.status == (1 if command[0] == "dedupe" else 0)  # of no copies


@pytest.mark.usefixtures("second")
def test_pages_the_service_and_python_say_it(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    from tvcli.serve.pages import open_gallery
    from tvcli.serve.service import ServiceSettings, check_settings

    notes = Notes()
    with open_gallery([old], None, report=notes):
        pass
    check_settings(ServiceSettings((old,), "x" * 32), notes)
    assert [TOLD in line for line in notes.lines] == [True]
    with caplog.at_level(logging.INFO, "tvcli"), tvcli.open_index(old) as index:
        index.search("photos/1.png")
        index.search("photos/2.png")
    assert [TOLD in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize("backbone", [(), ("--backbone", "mini"), ("--backbone", "mini-1")])
def test_an_update_goes_on_with_the_weights_of_the_rows(
    typed: Tv, photos: Path, old: Path, backbone: tuple[str, ...]
) -> None:
    picture(20).save(photos / "20.png")
    picture(3, 90, 90).save(photos / "3.png")
    told = typed("index", "photos", "-o", old, "--update", "--dry-run", *backbone)
    assert (told.status, told.err.count(TOLD)) == (0, 1)
    ran = typed("index", "photos", "-o", old, "--update", *backbone)
    assert ran.status == 0
    assert ran.err.splitlines()[0] == f"old.tvx: {TOLD}tv index photos -o old.tvx"
    assert "1 added, 1 changed" in ran.err.splitlines()[1]
    picture(21).save(photos / "21.png")
    assert typed("index", photos / "21.png", "-o", old, "--add", "-q", *backbone).err == ""
    assert info(typed, old)["backbone"] == "mini-1"
    with first():
        assert typed("index", "photos", "-o", "alike.tvx", "-q").status == 0
    with open_index(old) as one, open_index(Path("alike.tvx")) as other:
        rows = [np.concatenate([other.find(image) for image in one.images]), slice(None)]
        assert np.allclose(other.vectors(rows[0]), one.vectors(rows[1]), atol=1e-3)
    hit = hits(typed("search", photos / "20.png", "-i", old, "-k", 1))[0]
    assert hit["similarity"] == pytest.approx(1, abs=2e-3)


@pytest.mark.usefixtures("second")
def test_an_update_with_another_generation_is_refused(tv: Tv, old: Path) -> None:
    ran = tv("index", "photos", "-o", old, "--update", "--backbone", "mini-2")
    assert "made with --backbone mini-1" in ran.err
    assert "tv index photos -o old.tvx --backbone mini-2" in ran.err
    assert ran.status == 4
    assert info(tv, old)["backbone"] == "mini-1"


@pytest.mark.usefixtures("second")
def test_a_watched_index_says_it_once(
    old: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changes(*_: object) -> Iterator[None]:
        for number in range(30, 33):
            picture(number).save(photos / f"{number}.png")
            yield

    reports: list[Notes] = []

    def noting() -> Any:
        reports.append(Notes())
        return nullcontext(reports[-1])

    monkeypatch.setattr(watching, "settled", changes)
    asked = UpdateRequest("update", ["photos"], sys.stdin.buffer)
    watching.watch_photos(old, lambda: replace(asked), noting, {}, lambda *_: None)
    assert sum(TOLD in line for report in reports for line in report.lines) == 1
    with open_index(old) as index:
        assert len(index) == 11
        assert generation_of(index.settings["encoder"]["backbone"]["weights"]) == "mini-1"


@pytest.mark.usefixtures("old")
def test_encodings_are_updated_with_their_own_weights(
    typed: Tv, photos: Path, folder: Path
) -> None:
    encode = ("encode", "photos", "-o", "old.h5")
    with first():
        assert typed(*encode, "--pool", "mean", "-q").status == 0
    picture(20).save(photos / "20.png")
    with registered(folder):
        ran = typed(*encode, "--update")
        assert f"old.h5: {TOLD}tv encode photos --pool mean -o old.h5\n" in ran.err
        assert info(typed, "old.h5")["backbone"] == "mini-1"
        pinned = ("--backbone", "mini-1", "--pool", "mean")
        assert typed("encode", "photos", "-o", "pinned.h5", *pinned, "-q").status == 0
        assert np.allclose(encoded(Path("old.h5")), encoded(Path("pinned.h5")), atol=1e-3)
        assert typed("index", "old.h5", "-o", "of.tvx", "-q").status == 0
        ran = typed("search", photos / "20.png", "-i", "of.tvx")
        assert ran.err.endswith("anew: encode old.h5 again, then: tv index old.h5 -o of.tvx\n")


@pytest.mark.usefixtures("second")
def test_who_asks_for_a_generation_by_name_is_not_told_of_another(
    typed: Tv, photos: Path, old: Path
) -> None:
    made = typed("index", "photos", "-o", "kept.tvx", "--backbone", "mini-1", "-q")
    assert made.status == 0
    assert info(typed, "kept.tvx")["backbone"] == "mini-1"
    ran = typed("search", photos / "1.png", "-i", "kept.tvx", "-k", 4)
    assert ran.err == ""
    assert ran.out == typed("search", photos / "1.png", "-i", old, "-k", 4, "-q").out
    assert (
        typed("encode", photos, "--backbone", "mini-1", "--pool", "mean", "-o", "q.h5").status == 0
    )
    assert hits(typed("search", "q.h5", "-i", old, "-k", 1))


@pytest.mark.usefixtures("second")
def test_what_different_weights_made_is_not_put_together(tv: Tv, old: Path) -> None:
    for name, generation in (("one.h5", "mini-1"), ("two.h5", "mini-2")):
        fixed = ("--backbone", generation, "--size", 64)
        assert tv("encode", "photos", "-o", name, *fixed, "-q").status == 0
    assert tv("index", "one.h5", "-o", "one.tvx", "-q").status == 0
    assert tv("index", "two.h5", "-o", "two.tvx", "-q").status == 0
    refused(
        tv("index", "two.h5", "-o", "one.tvx", "--update", "-q"), "(backbone mini-2, not mini-1"
    )
    refused(tv("search", "two.h5", "-i", "one.tvx", "-q"), "--backbone mini-1 --size 64")
    refused(tv("eval", "search", "one.tvx", "--queries", "two.h5", "-q"), "--backbone mini-1")
    for ending in ("h5", "tvx"):
        ran = tv("merge", f"one.{ending}", f"two.{ending}", "-o", f"all.{ending}", "-q")
        refused(ran, "its backbone is mini-2, not mini-1")
    with open_index(old) as index:
        assert len(index) == 8


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    """Give files that recorded `mini` when it had one generation."""
    with tarfile.open(FROZEN) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 and newer
        archive.extractall(tmp_path / "frozen")
    return tmp_path / "frozen"


def test_heads_fit_encodings_of_their_weights_alone(
    tv: Tv, frozen: Path, folder: Path, tmp_path: Path
) -> None:
    heads = ("--classifier", frozen / "classifier.h5", "--boxes", frozen / "boxes.h5")
    locate = ("locate", frozen / "photos", *heads, "-q")
    before = tv(*locate)
    with registered(folder):
        after = tv(*locate)
        assert (after.status, after.out) == (0, before.out)
        assert before.out
        crops = (frozen / "crops.jsonl", "-o", tmp_path / "crops.h5", "-q")
        assert tv("encode", *crops, "--size", 112).status == 0
        classifier = ("train-classifier", tmp_path / "crops.h5", "-o", tmp_path / "c.h5", "-q")
        assert tv(*classifier).status == 0
        mixed = ("--classifier", tmp_path / "c.h5", "--boxes", frozen / "boxes.h5")
        refused(tv("locate", frozen / "photos", *mixed, "-q"), "of mini-2 (", "not of mini-1 (")
        assert tv("encode", frozen / "photos", "-o", tmp_path / "new.h5", "-q").status == 0
        ranked = ("index", tmp_path / "new.h5", "--rank", frozen / "rank.h5")
        refused(tv(*ranked, "-o", tmp_path / "x.tvx", "-q"), "of mini-1 (", "not of mini-2 (")
        straight = ("index", frozen / "photos", "--rank", frozen / "rank.h5", "-q")
        refused(tv(*straight, "-o", tmp_path / "x.tvx"), "of mini-1 (", "not of mini-2 (")
        fits = ("--backbone", "mini-1", "-o", tmp_path / "x.tvx")
        assert (tv(*straight, *fits).status, info(tv, tmp_path / "x.tvx")["shape"]) == (0, [8])
        triplets = (tmp_path / "new.h5", frozen / "triplets.jsonl", "--rank", frozen / "rank.h5")
        refused(tv("eval", "triplets", *triplets, "-q"), "of mini-1 (", "not of mini-2 (")


@pytest.mark.parametrize("name", ["exact.tvx", "annoy.tvx", "ranked.tvx", "located.tvx"])
def test_what_was_made_before_there_were_generations(
    tv: Tv, frozen: Path, folder: Path, name: str
) -> None:
    photo = frozen / "photos" / "skirt-001-3.jpg"
    search = ("search", photo, "-i", frozen / name, "-k", 3, "-q")
    before = tv(*search)
    with registered(folder):
        assert info(tv, frozen / name)["backbone"] == "mini-1"
        after = tv(*search)
        assert (after.status, after.out) == (0, before.out)
        assert TOLD in tv(*search[:-1]).err
        if name in ("exact.tvx", "ranked.tvx", "located.tvx"):  # maps are not added to
            picture(1, 138, 184).save(frozen / "photos" / "new.png")
            update = ("index", frozen / "photos", "-o", frozen / name, "--update")
            ran = tv(*update, "-q")
            assert (ran.status, ran.err) == (0, "")
            assert tv(*search).out == before.out


@pytest.mark.usefixtures("second")
def test_torch_runs_each_as_its_graph_does() -> None:
    pixels = [np.asarray(picture(number, 96, 96)) for number in range(2)]
    for name, channels in (("mini-1", 256), ("mini-2", CHANNELS), ("mini", CHANNELS)):
        quick = make_encoder(name, size=96, device="cpu")
        by_torch = encoder_of(quick.spec, None, device="cpu", runtime="torch")
        maps = quick.encode(pixels)
        assert maps.shape == (2, channels, 6, 6)
        assert by_torch.spec == quick.spec
        assert np.allclose(by_torch.encode(pixels), maps, atol=1e-4 * np.abs(maps).max())
        assert by_torch.backbone.geometry.stride == 16
    assert mini_spec("mini").pool == "gem"
    assert mini_spec("mini-1").pool == "mean"


def test_weights_of_a_tv_to_come_are_named_as_such(
    tv: Tv, old: Path, photos: Path, folder: Path
) -> None:
    with registered(folder):
        assert tv("index", photos, "-o", "new.tvx", "-q").status == 0
    assert info(tv, "new.tvx")["backbone"] == "mini"
    refused(tv("search", photos / "1.png", "-i", "new.tvx"), "upgrade tvcli")
    assert hits(tv("search", "--item", "1.png", "-i", "new.tvx", "-k", 1))
    ran = tv("index", photos, "-o", "new.tvx", "--update", "--backbone", "mini-1")
    assert ran.status == 4
    assert info(tv, old)["backbone"] == "mini-1"


@pytest.mark.usefixtures("second")
def test_a_projection_knows_the_weights_of_its_maps(tv: Tv, old: Path) -> None:
    fixed = ("--backbone", "mini-1", "--size", 64, "-q")
    assert tv("encode", "photos", "-o", "maps.h5", *fixed).status == 0
    assert tv("index", "maps.h5", "-o", "maps.tvx", "--maps", "-q").status == 0
    (file,) = Path("maps.tvx").glob("shortlist-*.h5")
    assert info(tv, file)["backbone"] == "mini-1"
    spec = make_encoder("mini-1", size=64).spec
    assert load_map_pca(file, spec).encoder["backbone"] == spec["backbone"]
    with pytest.raises(Mismatch, match=r"of mini-1 \(.*not of mini-2 \("):
        load_map_pca(file, make_encoder("mini-2", size=64).spec)
