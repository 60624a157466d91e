"""The installed `tv`, as a person runs it: processes, pipes and exit statuses."""

import fcntl
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, picture

LONG = pytest.mark.long
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
ENVIRONMENT.pop("TV_INDEX", None)


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash; its status is that of the first command that fails."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with photos of awkward names, and an index of them."""
    folder = tmp_path_factory.mktemp("home")
    names = ["a b.png", "new\nline.png", "été.png", "-dash.png", "quote'.png", "plain.png"]
    (folder / "photos").mkdir()
    for number, name in enumerate(names):
        picture(number).save(folder / "photos" / name)
    assert shell("tv index photos --size 64", folder).returncode == 0
    return folder


def test_find_encode_index_search(home: Path) -> None:
    piped = shell(
        "find photos -name '*.png' -print0 | sort -z | tv encode -0 - -o - --size 64 --pool auto "
        "| tv index - -o piped.tvx && tv search photos/plain.png -i piped.tvx",
        home,
    )
    assert piped.returncode == 0, piped.stderr
    direct = shell("tv search photos/plain.png", home)
    found = [[json.loads(line) for line in ran.stdout.splitlines()] for ran in (piped, direct)]
    assert [hit["image"] for hit in found[0]] == [hit["image"] for hit in found[1]]
    assert len(found[0]) == 6


def test_paths_reach_xargs_whole(home: Path) -> None:
    ran = shell("tv search photos/plain.png --format paths -0 | xargs -0 ls --", home)
    assert ran.returncode == 0, ran.stderr
    assert "été.png" in ran.stdout


def test_hits_are_json_lines(home: Path) -> None:
    program = "import json, sys; print(sum(json.loads(line)['rank'] for line in sys.stdin))"
    ran = shell(f'tv search photos/plain.png -k 2 | python3 -c "{program}"', home)
    assert (ran.returncode, ran.stdout) == (0, "3\n")


def test_a_photo_on_stdin(home: Path) -> None:
    ran = shell("cat photos/plain.png | tv search - -k 1 --format paths", home)
    assert (ran.returncode, ran.stdout) == (0, "photos/plain.png\n")


def test_head_ends_it_quietly(home: Path) -> None:
    ran = shell("for i in $(seq 400); do echo photos/plain.png; done | tv search - | head -1", home)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        "search - -i labelled.tvx -k 1",
        "label - -i labelled.tvx",
        "copies - -o copies --kinds crop",
    ],
)
def test_lines_before_a_bad_one_are_answered(home: Path, command: str) -> None:
    photos = [f"photos/{name}.png" for name in ("a b", "été", "plain", "quote'")]
    labelled = "".join(
        json.dumps({"image": photo, "label": "a", "box": [0, 0, 50 + n, 50]}) + "\n"
        for photo in photos
        for n in range(2)
    )
    (home / "labelled.jsonl").write_text(labelled)
    assert shell("tv index labelled.jsonl -o labelled.tvx --size 64", home).returncode == 0
    line = json.dumps({"image": "photos/plain.png"}) + "\n"
    (home / "lines.jsonl").write_text(line * 3 + '{"image": 5}\n')
    ran = shell(f"tv {command} < lines.jsonl", home)
    assert ran.returncode == 3
    assert '-:4: a record needs an "image"' in ran.stderr.splitlines()[-1]
    assert len(ran.stdout.splitlines()) == 3, ran.stderr


@pytest.mark.parametrize("command", ["--version", "index photos", "search -", "dedupe ."])
def test_a_current_folder_that_was_removed_is_told(tmp_path: Path, command: str) -> None:
    (tmp_path / "gone").mkdir()
    ran = shell(f"cd gone; rmdir ../gone; tv {command} < /dev/null", tmp_path)
    wanted = "tv: the current folder is no longer there: cd to another\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "", wanted)


def test_exit_statuses(home: Path, tv: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(home / "photos" / "plain.png", home / "plain.png")
    (home / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\nnothing")
    manifest = home / "newer.tvx" / "index.json"
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_text('{"type": "index", "version": 99}')
    for command, status in [
        ("tv --version", 0),
        ("tv search plain.png --min-score 2", 1),
        ("tv", 2),
        ("tv search plain.png -i missing.tvx", 3),
        ("tv search plain.png -i newer.tvx", 4),
    ]:
        ended = shell(command, home)
        assert ended.returncode == status, (command, ended.stderr)
        assert "Traceback" not in ended.stderr
    monkeypatch.chdir(home)
    monkeypatch.delenv("TV_INDEX", raising=False)
    for command, status in [
        ("search plain.png", 0),
        ("search", 2),
        ("nonsense", 2),
        ("index broken.h5 -o x.tvx", 3),
    ]:
        ran = tv(*command.split())
        assert ran.status == status, (command, ran.err)
        assert "Traceback" not in ran.err


def test_ctrl_c(home: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()  # an input that does not end
    process = subprocess.Popen(
        ["tv", "encode", "-", "-o", tmp_path / "e.h5"],
        cwd=home,
        env=ENVIRONMENT,
        stdin=reading,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(writing, b"photos/plain.png\n")
    unread = b"1"
    while any(unread) and process.poll() is None:  # until it has started, and has taken the line
        time.sleep(0.05)
        unread = fcntl.ioctl(reading, termios.FIONREAD, bytes(4))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    os.close(writing)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "tv: interrupted"
    assert not (tmp_path / "e.h5").exists()


INTERRUPTED_AT_ONCE = """
import runpy, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
sys.argv = ["tv", "search", "a.jpg"]
runpy.run_module("tvcli", run_name="__main__")
"""


def test_ctrl_c_while_tv_is_loaded_ends_without_a_traceback() -> None:
    command = [sys.executable, "-c", INTERRUPTED_AT_ONCE]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "tv: interrupted\n")


def test_nothing_is_written_beside_what_was_asked_for(home: Path, tmp_path: Path) -> None:
    """ONNX Runtime keeps an identifier, and what it would send, unless it is told not to."""
    given = {key: ENVIRONMENT[key] for key in ENVIRONMENT if not key.startswith(("ORT_", "CI"))}
    places = {name: str(tmp_path / name) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    for place in places.values():
        Path(place).mkdir()
    ran = subprocess.run(
        ["tv", "search", "photos/plain.png"], cwd=home, env=given | places, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr
    assert [path for place in places.values() for path in Path(place).rglob("*")] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=LONG)])
def test_who_is_asked_to_end_leaves_no_temporary_folders(
    tmp_path: Path, number: signal.Signals
) -> None:
    for name in ("photos", "temporary"):
        (tmp_path / name).mkdir()
    for photo in range(60):
        picture(photo, 640, 480).save(tmp_path / "photos" / f"{photo:03}.jpg")  # quicker than PNG
    process = subprocess.Popen(
        ["tv", "dedupe", "photos"],
        cwd=tmp_path,
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # the tests may run under nohup
    )
    while not list(tmp_path.glob("temporary/tv-dedupe-*/keypoints")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    out, errors = process.communicate(timeout=120)
    assert (process.returncode, out) == (143, "")
    assert errors.strip().splitlines()[-1] == "tv: terminated"
    assert not list((tmp_path / "temporary").iterdir())


def test_kill_and_go_on(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    names = [f"photos/{number:02}.png" for number in range(40)]
    for number, name in enumerate(names):
        picture(number).save(tmp_path / name)
    listed = "\n".join(names).encode()
    command = ["tv", "encode", "-", "-o", "e.h5", "--batch", "8", "--quiet"]
    # It waits for more names, so that it is killed before its end, on any machine.
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdin=-1) as process:
        assert process.stdin
        process.stdin.write(listed)
        process.stdin.flush()
        while not list(tmp_path.glob(".e.h5.parts/*")) and process.poll() is None:
            time.sleep(0.05)
        process.kill()
    assert not (tmp_path / "e.h5").exists()
    again = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, input=listed, check=False)
    assert again.returncode == 0
    assert json.loads(shell("tv info e.h5 --json", tmp_path).stdout)["rows"] == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.h5", "photos"]


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that a command has loaded when it ends."""
    code = (
        "import sys\nfrom tvcli.cli import run\n"
        f"try:\n    run({list(arguments)!r})\nfinally:\n"
        "    print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    return set(ran.stderr.split())


def test_help_loads_nothing_heavy() -> None:
    assert not {"torch", "torchvision", "h5py", "numpy", "PIL"} & loaded_by("--help")
    assert not {"torch", "torchvision", "h5py", "numpy", "PIL"} & loaded_by("search", "--help")


def test_searching_by_an_item_loads_no_torch(home: Path) -> None:
    loaded = loaded_by("search", "--item", "plain.png", "-i", str(home / ".tv" / "index.tvx"))
    assert "h5py" in loaded
    assert not {"torch", "torchvision"} & loaded


def test_searching_with_mini_loads_no_torch(home: Path) -> None:
    index = str(home / ".tv" / "index.tvx")
    loaded = loaded_by("search", str(home / "photos" / "plain.png"), "-i", index)
    assert "onnxruntime" in loaded
    assert not {"torch", "torchvision"} & loaded


def images_of(ran: subprocess.CompletedProcess[str]) -> list[str]:
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line)["image"] for line in ran.stdout.splitlines()]


def test_process_substitution_is_read_by_its_content(
    home: Path, tmp_path: Path, tv: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = "photos/plain.png"
    two = shell(f"tv search <(cat {photo}) <(cat photos/-dash.png) -k 1", home)
    assert images_of(two) == [photo, "photos/-dash.png"]
    assert len({json.loads(line)["query"] for line in two.stdout.splitlines()}) == 2
    assert images_of(shell(f"tv search <(echo {photo}) -k 1", home)) == [photo]
    record = f'{{"image": "{photo}", "box": [0, 0, 60, 60]}}'
    assert len(images_of(shell(f"tv search <(echo '{record}') -k 2", home))) == 2
    index = shlex.quote(str(tmp_path / "list.tvx"))
    ran = shell(f"tv index --size 64 <(ls photos/*a*.png) -o {index}", home)
    assert ran.returncode == 0, ran.stderr
    found = images_of(shell(f"tv search <(cat photos/-dash.png) -i {index} -k 9", home))
    assert sorted(found) == ["photos/-dash.png", "photos/a b.png", photo]
    nul = f"tv index --size 64 -0 <(find photos -name '*.png' -print0) -o {index}"
    assert shell(nul, home).returncode == 0
    monkeypatch.chdir(home)
    assert tv("search", photo, "-i", tmp_path / "list.tvx", "-k", 9).out.count("\n") == 6
    encoded = f"tv index <(tv encode photos --size 64 --pool gem -o - -q) -o {index}"
    ran = shell(encoded, home)
    assert ran.returncode == 0, ran.stderr
    assert images_of(shell(f"tv search <(cat {photo}) -i {index} -k 1", home)) == [photo]


def test_boxes_come_through_pipes(home: Path, tmp_path: Path) -> None:
    photo = "photos/plain.png"
    boxes = f'{{"image": "{photo}", "box": [1, 2, 50, 60], "label": "x"}}'
    out = shlex.quote(str(tmp_path / "coco.json"))
    ways = (
        f"echo '{boxes}' | tv crops - --to jsonl -o -",
        f"tv crops <(echo '{boxes}') --to jsonl -o /dev/stdout",
        f"echo '{boxes}' | tv crops - --to coco -o - | tv crops - --from coco --to jsonl -o -",
        f"echo '{boxes}' | tv crops - --to cvat -o - | tv crops - --from cvat --to jsonl -o -",
        f"echo '{boxes}' | tv crops - --to via -o {out}; cat {out} | tv crops - --from via "
        "--to jsonl -o -",
    )
    for way in ways:
        ran = shell(way, home)
        assert images_of(ran) == [photo], way
        assert json.loads(ran.stdout)["box"] == [1, 2, 50, 60]
    scored = boxes.replace("}", ', "score": 0.9}')
    ran = shell(f"echo '{scored}' | tv eval boxes - <(echo '{boxes}') --format json", home)
    assert json.loads(ran.stdout)["mean_iou"] == 1


def test_a_fifo_is_read_once(home: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "query.jpg"  # whatever it is called
    os.mkfifo(fifo)
    name = shlex.quote(str(fifo))
    ran = shell(f"(cat photos/plain.png > {name} &) ; tv search {name} -k 1", home)
    assert images_of(ran) == ["photos/plain.png"]
    labels = "tv triplets e.h5 --labels <(cat labels.jsonl) -o -"
    (tmp_path / "labels.jsonl").write_text(
        "".join(
            json.dumps({"image": f"{home}/photos/{name}", "label": label}) + "\n"
            for name, label in zip(
                ["plain.png", "-dash.png", "a b.png", "été.png"], "aabb", strict=True
            )
        )
    )
    assert shell(f"tv encode {home}/photos --size 64 -o e.h5", tmp_path).returncode == 0
    ran = shell(labels, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("anchor") > 0
    rank = "tv train-rank <(cat e.h5) <(tv triplets e.h5 --labels labels.jsonl -o -) -o r.h5"
    assert shell(rank, tmp_path).returncode == 0, ran.stderr


def test_an_empty_pipe_is_told(home: Path) -> None:
    ran = shell("tv search <(true)", home)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "nothing came through this pipe" in ran.stderr
    ran = shell("tv search <(tv encode photos --size 64 -o - -q)", home)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "an HDF5 file where photos or records are needed" in ran.stderr


CLOSED = "search photos/plain.png", "info .tv/index.tvx", "--version", "completion bash"
FORMATS = [
    pytest.param(f"search --item plain.png --format {name}", marks=marks)
    for name, marks in (("table", ()), ("html", ()), ("tsv", LONG), ("csv", LONG))
]


@pytest.fixture
def printed(
    home: Path, tv: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Give what a command prints in this process, with its files open."""
    monkeypatch.chdir(home)
    monkeypatch.delenv("TV_INDEX", raising=False)
    return lambda command: tv(*command.split()).out


@pytest.mark.parametrize("command", CLOSED)
def test_a_closed_stdout_is_an_error_and_a_closed_stdin_none(
    home: Path, command: str, printed: Callable[[str], str]
) -> None:
    ran = shell(f"tv {command} >&-", home)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == "tv: standard input or standard output is closed\n"
    ran = shell(f"tv {command} <&-", home)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == printed(command) != ""
    assert shell(f"tv {command} 2>&-", home).stdout == ran.stdout
    assert shell(f"tv {command} <&- >&- 2>&-", home).returncode == 3


@pytest.mark.parametrize("command", FORMATS)
def test_so_they_are_in_each_format(
    home: Path, command: str, printed: Callable[[str], str]
) -> None:
    ran = shell(f"tv {command} >&-", home)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == "tv: standard input or standard output is closed\n"
    ran = shell(f"tv {command} <&- 2>&-", home)
    assert (ran.returncode, ran.stdout) == (0, printed(command)) != (0, "")


def test_what_needs_no_closed_file_works_and_what_reads_it_says_so(
    home: Path, tmp_path: Path
) -> None:
    index = shlex.quote(str(tmp_path / "all.tvx"))
    ran = shell(f"tv index photos --size 64 -o {index} <&- >&- 2>&-", home)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert shell(f"tv search --item plain.png -i {index} -k 1", home).returncode == 0
    ran = shell("tv search - <&-", home)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == "tv: standard input or standard output is closed\n"


@pytest.mark.parametrize(
    "setting", ["PYTHONIOENCODING=ascii", "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"]
)
def test_names_are_escaped_where_the_terminal_cannot_show_them(home: Path, setting: str) -> None:
    search = f"{setting} tv search photos/été.png -k 1 --format"
    table, deduped = (
        shell(f"{search} table", home),
        shell(f"{setting} tv dedupe --format table", home),
    )
    for ran in (table, deduped):
        assert ran.returncode in (0, 1)
        assert "codec" not in ran.stderr
    assert table.stdout.isascii()
    assert re.search(r"photos/(\\xe9|\\udcc3\\udca9)t", table.stdout)
    paths = shell(f"{search} paths", home).stdout
    assert paths == "photos/été.png\n"  # data is bytes, whatever the terminal


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_on_stdout(home: Path) -> None:
    ran = shell("tv search photos/plain.png > /dev/full", home)
    assert ran.returncode == 3
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.endswith(
        "standard output, or temporary files in $TMPDIR or /tmp: No space left on device\n"
    )


def test_pairs_are_answered_while_stdin_is_open(home: Path) -> None:
    asked = [sys.executable, "-m", "tvcli", "same", "-", "--format", "tsv"]
    with subprocess.Popen(
        asked, cwd=home / "photos", env=ENVIRONMENT, stdin=-1, stdout=-1, stderr=-1
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        for name in (b"plain.png", b"quote'.png"):
            process.stdin.write(b"plain.png\t" + name + b"\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], 60)
            assert ready, "no answer before the next pair"
            assert process.stdout.readline().endswith(b"\tplain.png\t" + name + b"\n")
        process.send_signal(signal.SIGINT)  # while it waits for the next pair
        assert process.wait(60) == 130
        assert b"Fatal" not in process.stderr.read()


def test_who_closes_the_pipe_ends_the_answers_while_stdin_is_open(home: Path) -> None:
    asked = [sys.executable, "-m", "tvcli", "same", "-"]
    with subprocess.Popen(
        asked, cwd=home / "photos", env=ENVIRONMENT, stdin=-1, stdout=-1, stderr=-1
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stdin.write(b"plain.png\tplain.png\n")
        process.stdin.flush()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
