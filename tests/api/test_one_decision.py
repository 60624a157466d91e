"""One decision: searches, duplicates and two photos alone answer alike about drawn pairs."""

from pathlib import Path

import numpy as np
import pytest
from conftest import drawn
from PIL import Image

import tvcli


@pytest.mark.long
def test_searches_duplicates_and_two_photos_alone_decide_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    changes = [
        lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        lambda picture: picture.rotate(90, expand=True).crop((10, 10, 230, 300)),
        lambda picture: Image.fromarray(255 - np.asarray(picture) // 2),
    ]
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, way in enumerate(rng.permutation(len(changes)).tolist()):
        drawn(20 + number).save(folder / f"{number}.png")
        changes[way](drawn(20 + number)).save(folder / f"{number}-changed.png")
    photos = sorted(folder.iterdir())
    index = tvcli.open_index(tvcli.build_index(folder, tmp_path / "photos.tvx"))
    groups = tvcli.find_duplicates(tmp_path / "photos.tvx")
    grouped = {frozenset(Path(member.image).name for member in group) for group in groups}
    for photo in photos:
        found = {hit.path.name for hit in index.search(photo, verify=True)} | {photo.name}
        alone = {other.name for other in photos if tvcli.same_picture(photo, other)}
        assert found == alone
        assert frozenset(found) in grouped or len(found) == 1
    assert any(len(group) == 2 for group in grouped)
