"""Whatever happens to the file of boxes, nobody's work is lost: tabs, other programs, kills."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from box_page import SAVED, Editor
from pages import SESSIONS, enter, printed_address

NOT_SAVED = "() => document.querySelector('#saved').textContent === 'Not saved'"
SETTLED = "() => ['Saved', 'Not saved'].includes(document.querySelector('#saved').textContent)"
ELSEWHERE = {"image": "elsewhere/x.png", "note": "of another program"}
THEIRS = {"image": "photos/0.png", "width": 240, "height": 200, "box": [1, 1, 9, 9]}


def write(file: Path, *records: dict[str, Any]) -> None:
    file.write_text("".join(json.dumps(record) + "\n" for record in records))


def on_disk(file: Path) -> list[list[int]]:
    return [json.loads(line)["box"] for line in file.read_text().splitlines()]


@pytest.fixture
def conflict(editor: Editor) -> tuple[Editor, list[int]]:
    """Give an editor whose box could not be saved, as another program has changed the file."""
    editor.drag((40, 30), (200, 170))
    editor.records()
    write(editor.file, THEIRS)
    editor.press("Escape")
    editor.drag((10, 10), (30, 25))
    editor.page.wait_for_function(NOT_SAVED)
    assert editor.page.locator("#stage .box.theirs").count() == 1
    assert "Yours has 2 boxes, theirs 1 box" in editor.page.text_content("#trouble")
    assert on_disk(editor.file) == [THEIRS["box"]]
    return editor, THEIRS["box"]


def test_keep_mine(conflict: tuple[Editor, list[int]]) -> None:
    editor, theirs = conflict
    editor.page.click("#mine")
    assert len(editor.boxes()) == editor.shown() == 2
    assert theirs not in editor.boxes()
    assert editor.page.locator("#trouble:visible, .box.theirs").count() == 0


def test_take_theirs_and_think_again(conflict: tuple[Editor, list[int]]) -> None:
    editor, theirs = conflict
    editor.page.click("#theirs")
    assert (editor.boxes(), editor.shown()) == ([theirs], 1)
    editor.press("Control+z")  # mine, after all
    assert len(editor.boxes()) == editor.shown() == 2
    editor.press("Control+Shift+z")
    assert editor.boxes() == [theirs]


def test_keep_both(conflict: tuple[Editor, list[int]]) -> None:
    editor, theirs = conflict
    editor.page.click("#both")
    assert len(editor.boxes()) == editor.shown() == 3
    assert editor.boxes()[0] == theirs


def test_work_goes_on_while_a_conflict_waits(conflict: tuple[Editor, list[int]]) -> None:
    editor, theirs = conflict
    editor.press("d")
    editor.at("1.png")
    editor.press("k")
    editor.page.wait_for_function("() => document.querySelectorAll('#boxes li').length === 1")
    deadline = time.monotonic() + 60
    while len(on_disk(editor.file)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert on_disk(editor.file) == [theirs, [60, 50, 180, 150]]
    editor.page.click("#look")
    editor.at("0.png")
    editor.page.click("#both")
    assert len(editor.boxes()) == 4


def test_what_others_did_to_other_photos_is_no_conflict(editor: Editor) -> None:
    editor.drag((40, 30), (200, 170))
    (mine,) = editor.records()
    other = THEIRS | {"image": "photos/3.png"}
    write(editor.file, mine, other)
    editor.press("Escape")
    editor.drag((10, 10), (30, 25))
    assert len(editor.records()) == 3
    assert other in editor.records()
    assert editor.page.locator("#trouble:visible").count() == 0


def test_a_file_that_is_no_more_can_be_written_again(editor: Editor) -> None:
    editor.drag((40, 30), (200, 170))
    (mine,) = editor.records()
    editor.file.unlink()
    editor.press("Escape")
    editor.drag((10, 10), (30, 25))
    editor.page.wait_for_function(NOT_SAVED)
    assert "was removed" in editor.page.text_content("#trouble")
    assert not editor.file.exists()
    editor.page.click("#mend")
    assert len(editor.records()) == 2 and mine in editor.records()


def test_a_file_that_another_program_broke_is_never_overwritten(editor: Editor) -> None:
    editor.drag((40, 30), (200, 170))
    (mine,) = editor.records()
    editor.file.write_text('{"image": "photos/0.png", "bo')
    for _ in range(2):
        editor.press("Escape")
        editor.drag((10, 10), (30, 25))
        editor.page.wait_for_function(NOT_SAVED)
        assert "not JSON" in editor.page.text_content("#trouble")
        assert editor.file.read_text() == '{"image": "photos/0.png", "bo'
    write(editor.file, mine)  # mended
    editor.page.click("#mend")
    assert len(editor.records()) == 3


def test_a_change_by_another_program_is_shown(editor: Editor) -> None:
    write(editor.file, THEIRS | {"label": "theirs"})
    editor.page.wait_for_selector("#boxes >> text=theirs")
    assert "changed by another program" in editor.page.text_content("#message")


class Server:
    """`tv annotate boxes` on one port, ended as badly as can be."""

    def __init__(self, folder: Path, *photos: str) -> None:
        self.folder, self.photos = folder, photos or ("photos",)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home = f"http://127.0.0.1:{self.port}/"
        self.start()
        SESSIONS[self.home] = enter(self.home, self.address.partition("#ticket=")[2])

    def start(self) -> None:
        command = [sys.executable, "-m", "tvcli", "annotate", "boxes", *self.photos]
        command += ["-o", "boxes.jsonl", "--no-open", "--port", str(self.port)]
        environment = os.environ | {"XDG_CACHE_HOME": str(self.folder / "cache")}
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        self.address = printed_address(self.process.stderr)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def server(made: Path, tmp_path: Path) -> Iterator[Server]:
    shutil.copytree(made / "photos", tmp_path / "photos")
    server = Server(tmp_path)
    yield server
    server.kill()


def let_in(page: Any, server: Server) -> None:
    """Have a page go on after its server was started again; it may have asked by itself by then."""
    page.evaluate("document.querySelector('dialog.ask') ?? document.querySelector('#mend').click()")
    page.wait_for_selector("dialog.ask")
    page.fill("dialog.ask input", server.address)
    page.press("dialog.ask input", "Enter")


def test_the_page_says_that_tv_has_ended_and_goes_on(page: Any, server: Server) -> None:
    page.goto(f"{server.home}?photo=0")
    editor = Editor(page, server.folder / "boxes.jsonl")
    editor.at("0.png")
    server.kill()
    page.wait_for_selector("#trouble >> text=tv has ended")
    assert f"--port {server.port}" in page.text_content("#trouble")
    assert "All you did is saved" in page.text_content("#trouble")
    editor.press("k")
    page.wait_for_function(NOT_SAVED)
    assert "stays in this page" in page.text_content("#trouble")
    server.start()
    let_in(page, server)
    assert editor.boxes() == [[60, 50, 180, 150]]
    assert page.locator("#trouble:visible").count() == 0


CUT_OFF_ONCE = """() => {
  const { text, json } = Response.prototype;
  const cut = () => {
    Object.assign(Response.prototype, { text, json });
    return Promise.reject(new TypeError("network error"));
  };
  Object.assign(Response.prototype, { text: cut, json: cut });
}"""


def test_an_answer_that_is_cut_off_is_none(editor: Editor) -> None:
    page = editor.page
    page.evaluate(CUT_OFF_ONCE)  # as when tv is killed between what it saves and what it says of it
    editor.drag((60, 50), (180, 150))
    page.wait_for_function(NOT_SAVED)
    assert "cannot be reached" in page.text_content("#trouble")
    assert len(editor.records()) == 1
    page.wait_for_function(SAVED)  # the page asks again by itself
    assert len(editor.records()) == 1
    editor.drag((10, 10), (40, 40))
    page.wait_for_function(SAVED)
    assert len(editor.records()) == 2


def test_photos_that_moved_in_the_list_keep_their_boxes(page: Any, server: Server) -> None:
    page.goto(f"{server.home}?photo=1")
    editor = Editor(page, server.folder / "boxes.jsonl")
    editor.at("1.png")
    server.kill()
    editor.press("k")
    page.wait_for_function(NOT_SAVED)
    shutil.copy(server.folder / "photos" / "1.png", server.folder / "photos" / "00.png")
    server.start()
    let_in(page, server)
    assert [record["image"] for record in editor.records()] == ["photos/1.png"]
    editor.at("1.png")
    editor.press("Escape", "a")
    editor.at("00.png")


class Walk:
    """Two tabs, another program and a server that is killed, against a model of the file.

    The model is what each photo has, as a count of boxes. What a tab saves is there if it had seen
    what was there; else it is asked, and what it chose is there. All else stays as it was.
    """

    def __init__(self, seed: int, pages: list[Any], server: Server) -> None:
        self.random, self.server = random.Random(seed), server
        self.file = server.folder / "boxes.jsonl"
        self.tabs = [Editor(page, self.file) for page in pages]
        self.done: list[str] = []  # told where a walk fails
        self.model: dict[str, Counter[tuple[int, ...]]] = {f"{n}.png": Counter() for n in range(3)}
        self.write()
        for tab in self.tabs:
            tab.page.goto(f"{server.home}?photo=0")
            tab.at("0.png")

    def write(self) -> None:
        """Write the model as another program would, in an order of its own."""
        size = {"width": 240, "height": 200}
        records = [ELSEWHERE] + [
            {"image": f"photos/{name}", **size, "box": list(box), "label": ""}
            for name, boxes in self.model.items()
            for box in boxes.elements()
        ]
        self.random.shuffle(records)
        write(self.file, *records)

    def check(self) -> None:
        records = [json.loads(line) for line in self.file.read_text().splitlines()]
        assert records.count(ELSEWHERE) == 1
        found = {name: Counter[tuple[int, ...]]() for name in self.model}
        for record in records:
            if record != ELSEWHERE:
                found[Path(record["image"]).name][tuple(record["box"])] += 1
        assert found == self.model

    def shown(self, tab: Editor) -> Counter[tuple[int, ...]]:
        texts = tab.page.eval_on_selector_all(
            "#boxes li button",
            "all => all.map((one) => `${one.title.slice(3)}; ${one.lastChild.textContent}`)",
        )
        boxes = []
        for text in texts:
            at, _, size = text.partition("; ")
            (x, y), (width, height) = map(int, at.split(", ")), map(int, size.split(" × "))
            boxes.append((x, y, x + width, y + height))
        return Counter(boxes)

    def name(self, tab: Editor) -> str:
        name: str = tab.page.text_content("#name")
        return name

    def draw(self, tab: Editor) -> None:
        tab.press("Escape")
        x, y = self.random.randrange(5, 150), self.random.randrange(5, 120)
        far = (x + self.random.randrange(20, 80), y + self.random.randrange(20, 70))
        tab.drag((x, y), far)

    def delete(self, tab: Editor) -> None:
        boxes = tab.page.locator("#boxes li button")
        if boxes.count():
            boxes.nth(self.random.randrange(boxes.count())).click()
            tab.press("Delete")

    def undo(self, tab: Editor) -> None:
        if not tab.page.is_disabled("[data-do=undo]"):
            tab.press("Control+z")
            tab.page.wait_for_timeout(100)

    def change(self, tab: Editor) -> None:
        """Change something in a tab, and see to what comes of it."""
        known = {self.name(tab): self.shown(tab)}
        action = self.random.choice([self.draw, self.draw, self.delete, self.undo])
        action(tab)
        name = self.name(tab)
        if name in known:
            self.settle(tab, name, known[name])
        else:  # undo went to another photo, which it opened as it is
            self.settle(tab, name, self.model[name])

    def settle(self, tab: Editor, name: str, known: Counter[tuple[int, ...]]) -> None:
        tab.page.wait_for_function(SETTLED)
        mine, theirs = self.shown(tab), self.model[name]
        if known == theirs or mine in (known, theirs):
            tab.page.wait_for_function(SAVED)
            if mine != known:
                self.model[name] = mine
            return
        tab.page.wait_for_function(NOT_SAVED)
        self.check()
        kept = self.random.choice(["mine", "theirs", "both"])
        tab.page.click(f"#{kept}")
        tab.page.wait_for_function(SETTLED)
        if tab.page.locator("#trouble >> text=tv has ended").count():  # a connection of before
            tab.page.click("#mend")
        tab.page.wait_for_function(SAVED)
        self.model[name] = {"mine": mine, "theirs": theirs, "both": mine | theirs}[kept]
        assert self.shown(tab) == self.model[name]

    def go(self, tab: Editor) -> None:
        place = self.random.randrange(3)
        tab.page.click(f"#strip button[data-place='{place}']")
        tab.at(f"{place}.png")
        deadline = time.monotonic() + 60  # where it is the photo shown, it is opened again
        while self.shown(tab) != self.model[f"{place}.png"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.shown(tab) == self.model[f"{place}.png"]

    def foreign(self, tab: Editor) -> None:
        boxes = self.model[self.random.choice(sorted(self.model))]
        if boxes and self.random.random() < 0.4:
            boxes -= Counter([self.random.choice(sorted(boxes.elements()))])
        else:
            x, y = self.random.randrange(100), self.random.randrange(100)
            boxes[x, y, x + 50, y + 60] += 1
        self.write()

    def kill(self, tab: Editor) -> None:
        """Kill the server at some moment of a change, and start it again."""
        name, known = self.name(tab), self.shown(tab)
        self.draw(tab)
        time.sleep(self.random.random() * 0.05)
        self.server.kill()
        before, mine = self.model[name], self.shown(tab)
        try:
            self.check()
        except AssertionError:  # it came as far as saving it: whole, or not at all
            self.model[name] = mine
            self.check()
            self.model[name] = before if known != before else mine
        self.server.start()
        tab.page.wait_for_function(SETTLED)
        if tab.page.locator("#trouble >> text=tv has ended").count():
            let_in(tab.page, self.server)
        else:  # a third tab is let in, and with it this one
            third = tab.page.context.new_page()
            third.goto(self.server.address)
            third.wait_for_selector("#strip li")
            third.close()
        tab.page.wait_for_function(SETTLED)
        self.settle(tab, name, known)

    def step(self) -> None:
        kinds = [self.change] * 6 + [self.go] * 3 + [self.foreign] * 3 + [self.kill]
        kind, tab = self.random.choice(kinds), self.random.randrange(2)
        self.done.append(f"{kind.__name__} in tab {tab}, at {self.name(self.tabs[tab])}")
        kind(self.tabs[tab])
        self.check()


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 3))])
def test_a_walk_loses_nothing(page: Any, server: Server, seed: int) -> None:
    page.context.add_init_script("window.setInterval = () => 0")  # a step is what happens alone
    other = page.context.new_page()
    other.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(server.home)  # lets this browser in
    walk = Walk(seed, [page, other], server)
    try:
        for _ in range(20):
            walk.step()
    except Exception as error:
        said = [f"{tab.page.url}: {tab.page.inner_text('body')[:400]!r}" for tab in walk.tabs]
        error.add_note("\n".join([*walk.done, *map(str, walk.model.items()), *said]))
        raise
