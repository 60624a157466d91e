"""Both heads from few boxed photos, in one call."""

from pathlib import Path

import pytest
from discs import disc, write_boxes, write_discs

from tvcli.core.boxes import iou
from tvcli.core.errors import BadInput
from tvcli.core.heads import load_head
from tvcli.core.images.photo import decode_photo
from tvcli.core.location.crops import CropSettings
from tvcli.core.location.pair_training import load_pair, train_pair

FEW = CropSettings(per_photo=3, looks=6)


def test_heads_are_trained_on_some_photos_and_measured_on_the_others(tmp_path: Path) -> None:
    write_boxes(tmp_path / "boxes.jsonl", write_discs(tmp_path, 12))
    trained = train_pair(tmp_path / "boxes.jsonl", tmp_path, ["tv"], settings=FEW)
    assert (trained.photos, trained.held_out, trained.objects) == (10, 2, 1)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"photos", "boxes.jsonl", "classifier.h5", "boxes.h5"}
    for kind in ("classifier", "boxes"):
        basis = load_head(tmp_path / f"{kind}.h5", kind).settings["basis"]
        assert basis["photos"] + basis["held_out_photos"] == trained.photos
    other, box = disc(99)
    other.save(tmp_path / "other.png")
    photo = decode_photo((tmp_path / "other.png").read_bytes(), colour="managed")
    (found,) = load_pair(tmp_path, trained.objects).locate(photo)
    assert iou(found.box, box) > 0.5
    assert trained.iou > 0.5


def test_too_few_photos(tmp_path: Path) -> None:
    write_boxes(tmp_path / "boxes.jsonl", write_discs(tmp_path, 1))
    with pytest.raises(BadInput, match="too few photos with boxes to train on: 1"):
        train_pair(tmp_path / "boxes.jsonl", tmp_path, ["tv"], settings=FEW)
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "boxes.jsonl"}
