"""Pages that are files: photos lead to their files, and a page stays below 3 MB."""

import base64
import io
import os
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from tvcli.core.searching.hits import Hit
from tvcli.serve.page import comparison_page, hits_page
from tvcli.serve.page_parts import MOST_BYTES

PICTURE = re.compile(r'<img src="data:image/jpeg;base64,')


def hits_of(names: list[str], **more: str) -> list[Hit]:
    return [Hit(names[0], rank, name, 0.5, **more) for rank, name in enumerate(names, 1)]  # type: ignore[arg-type]


@pytest.fixture
def noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a photo that compresses badly, in the current folder."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (320, 320, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("noise.png")
    return "noise.png"


@pytest.mark.parametrize("count", [5, 120, 500])
def test_a_page_stays_below_3_mb(noise: str, count: int) -> None:
    page = "".join(hits_page(hits_of([noise] * count), [Path.cwd()]))
    assert len(page) < 3_000_000
    assert page.count('<li class="query">') == 1
    assert page.count("<li") == count + 1
    if count == 5:
        assert len(PICTURE.findall(page)) == 6
        assert len(page) > 300_000  # at their full size
    assert len(PICTURE.findall(page)) > min(count, 400) * 0.9


def test_drawings_count_too(noise: str) -> None:
    page = "".join(hits_page(hits_of([noise] * 40, explain=noise), [Path.cwd()]))
    assert len(PICTURE.findall(page)) == 81
    assert len(page) < MOST_BYTES + 20_000


@pytest.mark.parametrize(
    "name", ["a b.png", "javascript:alert(1).png", 'x"onclick=alert(1) ".png', "ä#?%41.png"]
)
def test_a_photo_leads_to_its_file(noise: str, name: str) -> None:
    os.rename(noise, name)  # noqa: PTH104
    page = "".join(hits_page(hits_of([name]), [Path.cwd()]))
    links = re.findall(r'<a href="([^"]*)"', page)
    assert len(links) == 2
    assert unquote(links[0]) == name
    assert not set(links[0]) & set(":\"'<>?# ")
    assert " onclick=" not in page.replace("&quot;onclick=", "")
    absolute = str(Path(name).absolute())
    (link, _) = re.findall(
        r'<a href="([^"]*)"', "".join(hits_page(hits_of([absolute]), [Path.cwd()]))
    )
    assert link.startswith("file:///") and unquote(link) == f"file://{absolute}"


def test_objects_of_one_photo_have_a_list_each_with_their_box_drawn(noise: str) -> None:
    """A query photo with two objects is searched with twice."""
    boxes = [(20.0, 20.0, 120.0, 120.0), (150.0, 40.0, 300.0, 280.0)]
    hits = [Hit(noise, 1, noise, 0.5, query_box=box) for box in boxes]
    page = "".join(hits_page(hits, [Path.cwd()]))
    assert page.count('<li class="query">') == 2
    pictures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))), np.int16)
        for data in re.findall(r'src="data:image/jpeg;base64,([^"]*)" alt="query"', page)
    ]
    assert len(pictures) == 2
    changed = np.argwhere(np.abs(pictures[0] - pictures[1]).max(axis=2) > 120)[:, ::-1]
    first, last = changed.min(axis=0), changed.max(axis=0)
    scale = pictures[0].shape[1] / 320
    assert first == pytest.approx((20 * scale, 20 * scale), abs=8)
    assert last == pytest.approx((300 * scale, 280 * scale), abs=8)


def test_what_may_not_be_shown_has_no_link(noise: str, tmp_path: Path) -> None:
    page = "".join(hits_page(hits_of([noise]), [tmp_path / "elsewhere"]))
    assert "<a " not in page and not PICTURE.search(page)


def test_right_is_said_not_only_coloured(noise: str) -> None:
    found = {"one": hits_of([noise, "none.png"])}
    page = "".join(comparison_page(found, "t", lambda hit: hit.image == noise, "same pattern"))
    assert page.count("✓ same pattern") == page.count('class="right"') == 1
