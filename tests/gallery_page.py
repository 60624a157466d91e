"""What a person sees of the gallery, for tests in a browser."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from conftest import picture
from pages import running

from tvcli.cli import run


def names(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "#results .name", "all => all.map((one) => one.textContent)"
    )
    return found


def wait_for_hits(page: Any, count: int = 8) -> None:
    page.wait_for_function(
        "count => /^\\d+ hits/.test(document.querySelector('#message').textContent)"
        " && document.querySelectorAll('#results li').length === count",
        arg=count,
    )


def open_search(page: Any, name: str = "3.png") -> None:
    """Search with a photo of the collection by a click."""
    page.click(f"a.photo[aria-label='Search with {name}']")
    wait_for_hits(page)


def wait_for_message(page: Any, pattern: str) -> None:
    """Wait until the page says something that a regular expression matches."""
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(document.querySelector('#message').textContent)",
        arg=pattern,
    )


def labelled_index(folder: Path, places: Mapping[str, str]) -> Path:
    """Index pictures at some places below `photos/`, by their labels; give the index."""
    lines = []
    for number, (place, label) in enumerate(places.items()):
        (folder / "photos" / place).parent.mkdir(parents=True, exist_ok=True)
        picture(number).save(folder / "photos" / place)
        lines.append(f'{{"image": "photos/{place}", "label": "{label}"}}\n')
    (folder / "records.jsonl").write_text("".join(lines))
    index = folder / "photos.tvx"
    words = ["index", str(folder / "records.jsonl"), "-o", str(index), "--size", "64", "-q"]
    assert run(words) == 0
    return index


def labelled_gallery(folder: Path, places: Mapping[str, str]) -> AbstractContextManager[str]:
    """Index pictures as `labelled_index` does; give a gallery's address."""
    return running(folder, "gallery", labelled_index(folder, places).name)
