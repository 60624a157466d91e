import re
import tomllib
from pathlib import Path

import pytest
from conftest import REPOSITORY

from scripts import docs

README = (REPOSITORY / "README.md").read_text("utf-8")
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CHANGELOG.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / "examples").rglob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def _name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def _prose(page: Path) -> str:
    """Return a page without its code blocks, in which brackets are no links."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.M)
    plain = (re.sub(r"\[(.+?)\]\(.+?\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def test_the_reference_is_up_to_date() -> None:
    assert docs.TARGET.read_text("utf-8") == docs.reference(), "run: python -m scripts.docs"


@pytest.mark.parametrize("words", docs.names(), ids=" ".join)
def test_every_command_is_in_the_readme_and_has_examples(words: list[str]) -> None:
    assert f"`tv {' '.join(words)}`" in README
    help_text = docs.help_of(words)
    if words != ["demo"]:
        usage, _summary, examples, *_ = help_text.split("\n\n")
        assert usage.startswith("Usage:")
        assert re.match(rf" *Examples:\n.*tv {' '.join(words)}", examples)


@pytest.mark.parametrize("group", [[], ["annotate"], ["eval"]], ids=" ".join)
def test_the_list_of_commands_has_whole_sentences(group: list[str]) -> None:
    listed = docs.help_of(group).partition("Commands:\n")[2].partition("\n\n")[0]
    assert listed
    assert all(line.endswith(".") and not line.endswith("..") for line in listed.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = page.parent / file if file else page
        assert found.exists(), target
        if anchor:
            assert anchor in _anchors(found), target


def test_every_guide_is_reached_from_the_readme() -> None:
    seen, todo = set(), [REPOSITORY / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page not in seen:
            seen.add(page)
            targets = (target.partition("#")[0] for target in LINK.findall(_prose(page)))
            todo += [page.parent / target for target in targets if target.endswith(".md")]
    assert {page.resolve() for page in PAGES} <= seen


def test_the_answers_are_those_of_their_list() -> None:
    text = (REPOSITORY / "docs" / "faq.md").read_text("utf-8")
    listed = re.findall(r"^- \[(.+)\]\(#", text, re.M)
    assert listed == re.findall(r"^## (.+)$", text, re.M)


def test_every_extra_is_in_the_readme_and_no_other() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    table = README.split("| extra |")[1].split("\n\n")[0]
    named = [
        name for row in table.splitlines()[2:] for name in re.findall(r"`(.+?)`", row.split("|")[1])
    ]
    assert sorted(named) == sorted(project["optional-dependencies"])


def test_options_named_in_the_pages_exist() -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", docs.reference()))
    others = {"--help", "--no-sandbox"}
    for page in PAGES:
        for line in re.findall(r"^\s*\$? ?tv .*$", page.read_text("utf-8"), re.M):
            assert set(re.findall(r"(?<= )--[a-z][a-z-]+", line)) <= known | others, line


def test_the_map_of_the_code_is_true() -> None:
    """Every folder, package and module named in it exists, and every package of core is named."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
    listed = re.findall(r"^    ([a-z]+/(?:[a-z]+/|cli\.py)?) ", text, re.M)
    assert len(listed) > 5
    for path in listed:
        assert (REPOSITORY / path).exists(), path
    core, named, folder = REPOSITORY / "tvcli" / "core", set(), Path()
    for first, modules, about in re.findall(r"^\| (.*?) ?\| (`.*?) \| (.*) \|$", text, re.M):
        if first:
            folder = Path() if first == "top" else Path(first.strip("*`"))
        assert about
        for module in re.findall(r"`(\w+)`", modules):
            assert (core / folder / f"{module}.py").is_file(), f"{folder}/{module}"
        named.add(folder)
    packages = {path.parent.relative_to(core) for path in core.rglob("__init__.py")}
    assert named == packages
    for path in re.findall(r"`(tvcli/[\w/]+(?:\.py|/))`", text):
        assert (REPOSITORY / path).exists(), path
