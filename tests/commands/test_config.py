import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

Tv = Callable[..., Ran]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty project folder to work in, and an environment without TV_*."""
    for name in [name for name in os.environ if name.startswith("TV_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(ran: Ran) -> dict[tuple[str, str], dict[str, object]]:
    records = [json.loads(line) for line in ran.out.splitlines()]
    return {(r["command"], r["option"]): r for r in records}


def test_it_says_where_each_value_comes_from(
    project: Path, monkeypatch: pytest.MonkeyPatch, tv: Tv
) -> None:
    text = "seed = 7\n\n[eval]\nstrict = true\n\n[eval.search]\nseed = 8\nexplain = true\n"
    (project / "tv.toml").write_text(text, "utf-8")
    monkeypatch.setenv("TV_INDEX_SEED", "9")
    monkeypatch.setenv("TV_BACKBONE", "alexnet")
    found = settings(tv("config"))
    assert (found["encode", "backbone"]["value"], found["encode", "backbone"]["source"]) == (
        "alexnet",
        "TV_BACKBONE",
    )
    assert found["index", "seed"]["source"] == "TV_INDEX_SEED"
    assert found["crops", "seed"]["source"] == f"{project / 'tv.toml'}:1"
    assert found["eval search", "seed"]["value"] == 8
    assert found["eval search", "explain"]["source"] == f"{project / 'tv.toml'}:8 [eval.search]"
    assert found["eval search", "strict"]["value"] is True
    assert found["search", "strict"]["value"] is False
    assert found["search", "k"] == {
        "command": "search",
        "option": "k",
        "value": 10,
        "source": "default",
    }
    assert {command for command, _ in settings(tv("config", "search"))} == {"search"}


def test_a_table_shows_what_is_set_and_all_only_if_asked_for(project: Path, tv: Tv) -> None:
    ran = tv("config", "--format", "table")
    assert (ran.out, ran.err) == ("", "nothing is set; tv config --all shows the defaults\n")
    assert "default" in tv("config", "--all", "search", "--format", "table").out
    (project / "tv.toml").write_text("[search]\nk = 3\n", "utf-8")
    shown = tv("config", "--format", "table").out
    assert "tv.toml:2" in shown and "default" not in shown


def test_they_take_effect_and_a_flag_wins(project: Path, photos: Path, tv: Tv) -> None:
    (project / "tv.toml").write_text("[encode]\nsize = 64\npool = 'mean'\n", "utf-8")
    for flags, size in (((), 64), (("--size", 96), 96)):
        assert tv("encode", photos, "-o", "a.h5", "-q", *flags).status == 0
        ran = tv("info", "a.h5", "--json")
        assert json.loads(ran.out)["settings"]["encoder"]["size"] == size, ran.err
        Path("a.h5").unlink()


def test_a_variable_of_a_command_wins_over_a_shared_one(
    project: Path, monkeypatch: pytest.MonkeyPatch, tv: Tv
) -> None:
    monkeypatch.setenv("TV_BACKBONE", "alexnet")
    monkeypatch.setenv("TV_ENCODE_BACKBONE", "vgg16")
    found = settings(tv("config"))
    assert found["encode", "backbone"]["value"] == "vgg16"
    assert found["index", "backbone"]["value"] == "alexnet"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[index]\nsede = 3\n", "tv.toml:2 [index]: no option sede; did you mean seed?"),
        ("[serch]\nk = 3\n", "no such command; did you mean search?"),
        ("[search]\nk = 'ten'\n", "tv.toml:2 [search]: k: a whole number is wanted, not 'ten'"),
        ("[search]\nk = 0\n", "tv.toml:2 [search]: k: "),
        ("[encode]\nfit = 'stretch'\n", "tv.toml:2 [encode]: fit: "),
        ("strict = 1\n", "tv.toml:1: strict: true or false is wanted, not 1"),
        ("seed = \n", "not readable as TOML"),
    ],
)
def test_what_is_wrong_is_said_and_stops(project: Path, text: str, said: str, tv: Tv) -> None:
    (project / "tv.toml").write_text(text, "utf-8")
    for command in (("info", "x.h5"), ("config",)):
        ran = tv(*command)
        assert ran.status == 3 and said in ran.err and "Traceback" not in ran.err


def test_a_value_goes_to_the_commands_that_take_it(project: Path, tv: Tv) -> None:
    (project / "tv.toml").write_text("format = 'html'\n", "utf-8")
    found = settings(tv("config"))
    assert found["search", "format"]["value"] == "html"
    assert found["eval search", "format"]["source"] == "default"


def test_variables_that_nothing_reads_are_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, tv: Tv
) -> None:
    monkeypatch.setenv("TV_SERCH_K", "3")
    ran = tv("config")
    assert ran.status == 0 and "TV_SERCH_K: no such setting; did you mean TV_SEARCH_K?" in ran.err


def test_a_mistyped_command_or_option_is_guessed(tv: Tv) -> None:
    assert "Did you mean 'search'" in tv("serch").err
    assert "--strict" in tv("search", "--strct").err
    assert tv("eval", "serach").err.count("'search'") == 1


def test_help_is_a_word_too(tv: Tv) -> None:
    assert tv("help").out == tv("--help").out
    assert tv("help", "eval", "search").out == tv("eval", "search", "--help").out != ""


@pytest.mark.parametrize("words", [("sarch",), ("search.k",), ("set", "search.k", "5")])
def test_config_of_no_command_is_a_mistake(tv: Tv, words: tuple[str, ...]) -> None:
    ran = tv("config", *words)
    assert (ran.status, ran.out) == (2, "")
    assert f"{' '.join(words)}: no such command" in ran.err
    if words == ("sarch",):
        assert "did you mean search?" in ran.err


def test_config_of_a_group_has_all_its_commands(tv: Tv) -> None:
    commands = {json.loads(line)["command"] for line in tv("config", "eval").out.splitlines()}
    assert commands == {"eval search", "eval triplets", "eval boxes"}


def test_a_variable_of_a_wrong_kind_is_named(monkeypatch: pytest.MonkeyPatch, tv: Tv) -> None:
    wanted = "a whole number is wanted, not 'x'"
    assert tv("search", "a.jpg", "-k", "x").err.endswith(f"'-k': {wanted}\n")
    monkeypatch.setenv("TV_SEARCH_K", "x")
    ran = tv("search", "a.jpg")
    assert ran.status == 2
    assert "TV_SEARCH_K" in ran.err and wanted in ran.err
    monkeypatch.setenv("TV_SEARCH_K", "0")
    assert "TV_SEARCH_K" in (said := tv("search", "a.jpg").err) and "it must be greater" in said


def test_every_event_of_a_log_is_a_line_of_json(photos: Path, tmp_path: Path, tv: Tv) -> None:
    (photos / "bad.jpg").write_bytes(b"none")
    ran = tv("--log-json", "encode", photos, "-o", tmp_path / "a.h5", "--size", 64)
    events = [json.loads(line) for line in ran.err.splitlines()]
    assert [event["event"] for event in events] == ["start", "skip", "summary"]
    assert all(event["command"] == "encode" and event["time"] for event in events)
    assert events[1]["image"] == str(photos / "bad.jpg") and events[2]["skipped"] == 1
    failed = tv("encode", tmp_path / "none", "-o", tmp_path / "b.h5", "--log-json")
    (event,) = [json.loads(line) for line in failed.err.splitlines()]
    assert (event["level"], event["status"], failed.status) == ("error", 3, 3)


def test_quiet_leaves_errors_and_verbose_says_more(photos: Path, tmp_path: Path, tv: Tv) -> None:
    target = tmp_path / "a.h5"
    assert tv("encode", photos, "-o", target, "--size", 64, "-q").err == ""
    target.unlink()
    said = tv("encode", "-v", photos, "-o", target, "--size", 64).err
    assert "encoding: " in said and " s\n" in said
    assert "mini" in said


def test_colours_only_where_they_are_wanted(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tv: Tv
) -> None:
    index = tmp_path / "a.tvx"
    assert tv("index", photos, "-o", index, "--size", 64).status == 0
    search = ("search", photos / "0.png", "-i", index, "--format", "table")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in tv(*search).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in tv(*search).out
