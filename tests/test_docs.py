import re

import pytest
from conftest import REPOSITORY

from scripts import docs

README = (REPOSITORY / "README.md").read_text("utf-8")
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: object) -> None:
    text = page.read_text("utf-8")  # type: ignore[attr-defined]
    for target in re.findall(r"\]\(([^)#]+)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target  # type: ignore[attr-defined]


def test_options_named_in_the_pages_exist() -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", docs.reference()))
    others = {"--help", "--no-sandbox"}
    for page in PAGES:
        for line in re.findall(r"^\s*\$? ?tv .*$", page.read_text("utf-8"), re.M):
            assert set(re.findall(r"(?<= )--[a-z][a-z-]+", line)) <= known | others, line
