"""Labels by the Python API are those of the command."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran
from PIL import Image

import tvcli

Tv = Callable[..., Ran]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an index of dark and bright pictures, and a new one of each."""
    folder = tmp_path_factory.mktemp("labels")
    rng = np.random.default_rng(0)
    for name, light in (("dark", 40), ("bright", 200)):
        for number in range(6):
            pixels = light + rng.integers(-30, 30, (40, 40, 3))
            path = folder / ("new" if number == 5 else "known") / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    tvcli.build_index(folder / "known", folder / "a.tvx")
    return folder


def test_labels_are_those_of_the_command(labelled: Path, tv: Tv) -> None:
    with tvcli.open_index(labelled / "a.tvx") as index:
        found = index.label(labelled / "new", others=0.2)
        again = index.label([np.asarray(Image.open(one.image)) for one in found], others=0.2)
        with pytest.raises(tvcli.UsageError, match="others"):
            index.label(labelled / "new", others=1)
    assert isinstance(found, tvcli.Labels) and [one.label for one in found] == ["bright", "dark"]
    lines = tv("label", labelled / "new", "-i", labelled / "a.tvx", "--others", 0.2).out
    said = [json.loads(line) for line in lines.splitlines()]
    assert [(r["label"], r["probability"]) for r in said] == [
        (one.label, one.probability) for one in found
    ]
    assert [one.label for one in again] == [one.label for one in found]
    assert found[0].as_record()["label"] == "bright" and "bright" in found._repr_html_()
