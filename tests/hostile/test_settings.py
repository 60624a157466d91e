"""A `tv.toml` that came with somebody else's pictures, and outputs over what is not tv's."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from conftest import Ran, picture

from tvcli.cli import tv
from tvcli.terminal.project_options import HOW, HOW_IN, INSIDE, is_place, why_not
from tvcli.terminal.settings import leaves

Here = Callable[..., Ran]

# What only the user may set, of all commands. An option in none of the three sets is refused too,
# but whoever adds one should decide.
USERS = frozenset(
    (
        "against",
        "allow",
        "add",
        "background",
        "box",
        "calibrate",
        "clicks",
        "compare",
        "database",
        "debug",
        "draw",
        "dry-run",
        "engine",
        "errors",
        "fields",
        "fit-on",
        "explain",
        "false-alarms",
        "force",
        "from-copies",
        "host",
        "item",
        "keep-heads",
        "like",
        "log-json",
        "not-duplicates",
        "output",
        "plot",
        "port",
        "prefer",
        "propose",
        "protect",
        "queries",
        "ray",
        "remove",
        "root",
        "save-crops",
        "save-images",
        "silent",
        "unlike",
        "update",
        "verbose",
        "watch",
        "xmp",
        "photos",
        "token-file",
        "workers",
    )
)


def every_option() -> list[tuple[tuple[str, ...], str, Any]]:
    return [
        (words, max(p.opts, key=len).lstrip("-"), p)
        for words, command in leaves(tv())
        for p in command.params
        if p.param_type_name == "option" and not p.is_eager
    ]


def test_of_every_option_it_is_said_who_may_set_it() -> None:
    for words, option, parameter in every_option():
        kinds = [option in HOW, option in INSIDE, option in USERS]
        assert sum(kinds) == 1, f"{words} {option}: declare it in one of HOW, INSIDE, USERS"
        assert not (option in HOW and is_place(parameter)), f"{words} {option} names a place"


def test_all_but_how_is_refused_of_every_command(download: Path, victim: Any) -> None:
    places = [(w, o, p) for w, o, p in every_option() if w and (o in USERS or is_place(p))]
    tables: dict[tuple[str, ...], list[str]] = {}
    for words, option, parameter in places:
        if (" ".join(words), option) not in HOW_IN:
            kind = parameter.type_descriptor.annotation
            value = {bool: "true", int: "1"}.get(kind, '"../../.bashrc"')
            tables.setdefault(words, []).append(f"{option} = {value}")
    text = "".join(f"[{'.'.join(w)}]\n" + "\n".join(lines) + "\n" for w, lines in tables.items())
    (download / "tv.toml").write_text(text)
    ran = victim("config")
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    refused = [record for record in records if record.get("refused")]
    assert ran.returncode == 0 and len(refused) == sum(map(len, tables.values())) > 70
    assert all(r in refused for r in records if r["source"] != "default")


def test_an_option_that_nobody_declared_is_refused() -> None:
    parameter = every_option()[0][2]
    assert why_not(("search",), "new-option", parameter, True, Path())


def test_it_cannot_write_where_it_wants(home: Path, download: Path, victim: Any) -> None:
    (download / "tv.toml").write_text('errors = "../../.bashrc"\nsize = 64\n')
    (download / "photos" / "$(touch owned).jpg").write_bytes(b"broken")
    ran = victim("index", "photos", "-q")
    assert ran.returncode == 0, ran.stderr
    assert (home / ".bashrc").read_text() == "export DEAR=1\n"
    said = f"tv: {download}/tv.toml:1: errors is not read from a project's file: "
    assert said in ran.stderr and "command line" in ran.stderr
    assert f"{home}/.config/tv/tv.toml" in ran.stderr and ran.stderr.count("errors is") == 1
    about = json.loads(victim("info", ".tv/index.tvx", "--json").stdout)
    assert about["settings"]["encoder"]["size"] == 64  # what is how still counts


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("gallery", 'host = "0.0.0.0"\nport = 1\nclicks = "../../.bashrc"'),
        ("annotate boxes", 'output = "../../.bashrc"\nhost = "0.0.0.0"'),
        ("index", 'engine = "postgresql://evil.example/x"\nrank = "../../rank.h5"'),
        ("encode", 'ray = "evil.example:1"\nroot = "/"\nweights = "/etc/passwd"'),
        ("search", 'explain = "../.."\nindex = "/etc"\nroot = "/"'),
    ],
)
def test_it_names_no_place_host_database_or_cluster(
    download: Path, victim: Any, command: str, text: str
) -> None:
    (download / "tv.toml").write_text(f"[{command.replace(' ', '.')}]\n{text}\n")
    ran = victim("config", "--all", *command.split())
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    for name in (line.split(" = ")[0] for line in text.splitlines()):
        refused, kept = (
            [r for r in records if r["option"] == name and bool(r.get("refused")) is wanted]
            for wanted in (True, False)
        )
        assert refused and [r["source"] for r in kept] == ["default"]


def test_the_users_own_file_sets_them(home: Path, download: Path, victim: Any) -> None:
    own = home / ".config" / "tv"
    own.mkdir(parents=True)
    (own / "tv.toml").write_text(f'seed = 3\nsize = 96\nerrors = "{home}/left-out.jsonl"\n')
    (download / "tv.toml").write_text("size = 64\n")
    (download / "photos" / "bad.jpg").write_bytes(b"broken")
    assert victim("index", "photos", "-q").returncode == 0
    assert json.loads((home / "left-out.jsonl").read_text())["image"] == "photos/bad.jpg"
    found = {r["option"]: r for r in map(json.loads, victim("config", "index").stdout.splitlines())}
    assert found["size"]["value"] == 64 and found["seed"]["value"] == 3
    (own / "tv.toml").chmod(0o666)
    assert "tv.toml: ignored: everybody may write it" in victim("config").stderr


def test_a_file_of_the_project_may_be_read(download: Path, victim: Any) -> None:
    (download / "tv.toml").write_text('[search]\nindex = "mine.tvx"\n')
    assert victim("index", "photos", "-o", "mine.tvx", "--size", 64).returncode == 0
    assert victim("search", "photos/0.png", "-k", 1).returncode == 0
    (download / "mine.tvx").rename(download.parent / "other.tvx")
    (download / "mine.tvx").symlink_to(download.parent / "other.tvx")
    assert "outside the project's folder" in victim("search", "photos/0.png").stderr


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "dangling", "large", "others"])
def test_what_is_no_file_of_ours_is_ignored(download: Path, victim: Any, kind: str) -> None:
    path = download / "tv.toml"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "dangling":
        path.symlink_to("nothing")
    elif kind == "large":
        path.write_text("#" * 2**20)
    elif os.geteuid() == 0:
        path.write_text("size = 64\n")
        os.chown(path, 12345, 12345)
    else:
        pytest.skip("only root can give a file away")
    assert victim("--version").returncode == 0
    ran = victim("config")
    assert ran.returncode == 0 and f"tv: {path}: ignored: " in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert {json.loads(line)["source"] for line in ran.stdout.splitlines()} == {"default"}


@pytest.mark.parametrize("text", ["".join(f"k{n} = 1\n" for n in range(6000)), "a." * 9000 + "b=1"])
def test_much_of_it_ends_soon(download: Path, victim: Any, text: str) -> None:
    (download / "tv.toml").write_text(text)
    ran = victim("info", "x.h5")
    assert ran.returncode == 3 and ran.stderr.count("\n") == 1 and len(ran.stderr) < 1000


@pytest.fixture
def here(tv: Here, download: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Run `tv` in the download, in this process: what it does to files is the same."""
    monkeypatch.chdir(download)
    return tv


RECORDS = ["index", "photos", "--size", 64, "-o", "i.tvx", "--errors"]


@pytest.mark.parametrize(
    "command",
    [
        ["encode", "photos", "--size", 64, "-o"],
        ["encode", "photos", "--size", 64, "-o", "e.h5", "--errors"],
        RECORDS,
        ["crops", "boxes.jsonl", "-o"],
        ["crops", "boxes.jsonl", "--to", "coco", "-o"],
        ["eval", "search", "i.tvx", "--truth", "folders", "--plot"],
    ],
)
def test_a_file_of_others_is_not_replaced(download: Path, here: Here, command: list[Any]) -> None:
    record = {"image": "photos/0.png", "width": 96, "height": 80, "box": [1, 2, 60, 70]}
    (download / "boxes.jsonl").write_text(json.dumps(record) + "\n")
    if "eval" in command:
        (download / "photos" / "more").mkdir()
        picture(5).save(download / "photos" / "more" / "5.png")
        assert here("index", "photos", "-o", "i.tvx", "--size", 64, "-q").status == 0
    target = download / ("mine.png" if "--plot" in command else "mine.dat")
    target.write_text("my diary\n")
    ran = here(*command, target)
    assert ran.status == 2 and ran.err.count("\n") == 1 and "--force" in ran.err
    assert target.read_text() == "my diary\n"
    for again in (here("--force", *command, target), here(*command, target)):
        assert again.status == 0, again.err
    assert target.read_bytes() != b"my diary\n"


def test_records_and_hdf5_of_another_kind_stay(download: Path, here: Here) -> None:
    record = {"image": "photos/0.png", "width": 96, "height": 80, "box": [1, 2, 60, 70]}
    (download / "boxes.jsonl").write_text(json.dumps(record) + "\n")
    assert here("crops", "boxes.jsonl", "-o", "boxes.jsonl").status == 2
    assert json.loads((download / "boxes.jsonl").read_text()) == record
    with h5py.File(download / "measured.h5", "w") as file:
        file["years"] = [1, 2, 3]
    assert here("encode", "photos", "-o", "measured.h5").status == 2
    with h5py.File(download / "measured.h5") as file:
        assert list(file["years"]) == [1, 2, 3]


def test_encodings_and_heads_do_not_replace_each_other(download: Path, here: Here) -> None:
    (download / "photos" / "more").mkdir()
    for number in range(5, 9):
        picture(number).save(download / "photos" / "more" / f"{number}.png")
    assert here("encode", "photos", "--size", 64, "-o", "e.h5").status == 0
    assert here("triplets", "e.h5", "--from-folders", "-o", "t.jsonl").status == 0
    learn = ["train-rank", "e.h5", "t.jsonl", "--steps", 0, "-o"]
    assert here(*learn, "rank.h5").status == 0
    kept = {name: (download / name).read_bytes() for name in ("e.h5", "rank.h5")}
    for command in (
        [*learn, "e.h5"],  # what it learns from
        ["encode", "photos", "--size", 64, "-o", "rank.h5"],
        ["train-boxes", "e.h5", "-o", "rank.h5"],
        ["train-classifier", "e.h5", "-o", "rank.h5"],
    ):
        ran = here(*command)
        assert ran.status == 2 and "not written by such a command" in ran.err, command
    ran = here("encode", "photos", "--size", 64, "-o", "photos/more")
    assert ran.status == 2 and ran.err == "tv: photos/more: a folder; name a file\n"
    assert kept == {name: (download / name).read_bytes() for name in kept}
    assert here(*learn, "rank.h5").status == 0  # its own kind is replaced


def test_saved_crops_do_not_replace_photos(download: Path, here: Here) -> None:
    record = {"image": "photos/0.png", "width": 96, "height": 80, "box": [1, 2, 60, 70]}
    (download / "boxes.jsonl").write_text(json.dumps(record) + "\n")
    saving = ["crops", "boxes.jsonl", "-o", "c.jsonl", "--save-images", "cut", "--looks", 0]
    assert here(*saving).status == 0
    assert here(*saving).status == 0  # its own are replaced
    first = min((download / "cut").iterdir())
    picture(9).save(first, "JPEG")
    before = first.read_bytes()
    ran = here(*saving)
    assert ran.status == 2 and first.name in ran.err and first.read_bytes() == before


def test_the_demo_draws_over_nothing(download: Path, victim: Any) -> None:
    (download / "boxes.jsonl").write_text("mine")
    ran = victim("demo", ".")
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1 and "--force" in ran.stderr
    assert (download / "boxes.jsonl").read_text() == "mine"


def test_devices_and_pipes_are_written(download: Path, victim: Any) -> None:
    (download / "photos" / "bad.jpg").write_bytes(b"broken")
    record = {"image": "photos/0.png", "width": 96, "height": 80, "box": [1, 2, 60, 70]}
    (download / "boxes.jsonl").write_text(json.dumps(record) + "\n")
    (download / "e.jsonl").touch()
    for _ in range(2):  # empty, then its own
        assert victim("index", "photos", "--size", 64, "--errors", "e.jsonl").returncode == 0
    (download / "nowhere").symlink_to("/dev/null")  # never renamed over, whoever runs this
    assert victim("crops", "boxes.jsonl", "-o", "nowhere").returncode == 0
    assert (download / "nowhere").is_char_device()
    os.mkfifo(download / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=download, stdout=subprocess.PIPE) as reader:
        assert victim("crops", "boxes.jsonl", "-o", "pipe").returncode == 0
        assert reader.communicate(timeout=60)[0].startswith(b'{"image"')
    assert (download / "pipe").is_fifo()
    assert not any(path.name.endswith((".lock", ".partial")) for path in download.iterdir())
