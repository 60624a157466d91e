"""On what the figures of a training rest, and what is said where that is too little."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from conftest import Ran, drawn

from tvcli.core.location.basis import weakness
from tvcli.core.location.classifier import EPOCHS, PATIENCE
from tvcli.core.location.location_heads import teach_classifier
from tvcli.core.reports import Report

Tv = Callable[..., Ran]


def crops_of(tv: Tv, photos: int, held_out: int) -> None:
    """Encode the crops of some photos, of which the last ones are held out."""
    records = []
    for number in range(photos):
        drawn(number, 160, 120).save(f"{number}.png")
        split = "test" if number >= photos - held_out else "train"
        records.append({"image": f"{number}.png", "box": [40, 30, 110, 90], "split": split})
    Path("b.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    how = ["--per-photo", 2, "--looks", 2, *([] if held_out else ["--test", 0])]
    assert tv("crops", "b.jsonl", "-o", "c.jsonl", *how).status == 0
    assert tv("encode", "c.jsonl", "-o", "c.h5", "--size", 112).status == 0


@pytest.mark.parametrize("command", ["train-classifier", "train-boxes"])
def test_nothing_is_measured_where_nothing_was_held_out(
    command: str, tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    crops_of(tv, 3, 0)
    ran = tv(command, "c.h5", "-o", "head.h5")
    assert ran.status == 0, ran.err
    assert "of 3 photos; not measured: no photo was held out" in ran.err
    assert "warning: too few photos to learn from (3): annotate at least 10" in ran.err
    assert not {"IoU", "accuracy"} & set(ran.err.replace(",", " ").split())


@pytest.mark.parametrize("command", ["train-classifier", "train-boxes"])
def test_figures_say_on_how_many_crops_and_photos_they_rest(
    command: str, tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    crops_of(tv, 12, 2)
    ran = tv(command, "c.h5", "-o", "head.h5")
    assert ran.status == 0, ran.err
    assert "crops of 10 photos; measured on" in ran.err
    assert "crops of 2 others" in ran.err
    assert "warning: too few held-out photos to measure on (2)" in ran.err
    assert "below 5 (tv crops --test holds out more)" in ran.err
    assert "to learn from" not in ran.err


@pytest.mark.parametrize(("held_out", "kept"), [(0, EPOCHS), (1, EPOCHS), (4, EPOCHS), (5, None)])
def test_too_few_held_out_photos_do_not_stop_a_training(
    held_out: int, kept: int | None, tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One photo's crops may be right by a net that has learned nothing, and never be so again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tvcli.core.location.classifier._score", lambda *_: 0.5)
    crops_of(tv, 4 + held_out, held_out)
    found = teach_classifier(Path("c.h5"), Path("head.h5"), {}, seed=0, report=Report())
    assert found.history.kept == (kept or 0)
    assert len(found.history.losses) - 1 == (kept or PATIENCE)


@pytest.mark.parametrize(
    ("photos", "held_out", "accuracy", "said"),
    [
        (50, 5, 0.64, "its accuracy was 0.64 on 30 crops of 5 held-out photos"),
        (50, 5, 0.66, ""),
        (50, 4, 0.3, ""),  # which may be chance
        (9, 5, 0.99, "it learned from 9 photos only"),
    ],
)
def test_a_classifier_is_weak_where_enough_photos_show_it(
    photos: int, held_out: int, accuracy: float, said: str
) -> None:
    basis = {"photos": photos, "held_out_photos": held_out, "held_out_crops": 30}
    assert weakness({"basis": basis, "quality": {"accuracy": accuracy}}) == said


def test_locating_by_a_weak_head_says_so(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    crops_of(tv, 3, 0)
    assert tv("train-classifier", "c.h5", "-o", "classifier.h5").status == 0
    assert tv("train-boxes", "c.h5", "-o", "boxes.h5").status == 0
    shutil.copy("0.png", "other.png")
    ran = tv("locate", "other.png", "--classifier", "classifier.h5", "--boxes", "boxes.h5")
    assert ran.status == 0
    assert "warning: the classifier is weak: it learned from 3 photos only" in ran.err
    every = ["--classifier", "classifier.h5", "--boxes", "boxes.h5", "--threshold"]
    score = max(
        json.loads(line)["score"]
        for line in tv("locate", "other.png", *every, 0.0001).out.splitlines()
    )
    ran = tv("locate", "other.png", *every, score - 0.001)  # by a person, who needs no advice
    assert ran.out and "barely" not in ran.err and "--threshold" not in ran.err
    assert "the classifier is weak" in ran.err
    with h5py.File("classifier.h5", "r+") as file:
        settings = json.loads(file.attrs["settings"])
        file.attrs["settings"] = json.dumps({**settings, "threshold": score - 0.001})
    ran = tv("locate", "other.png", *every[:-1])
    assert "1 of 1 photos score barely above the threshold" in ran.err
    assert "raise --threshold" in ran.err
