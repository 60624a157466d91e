"""Labels learned from looks, on maps with known answers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tvcli.core.heads import HeadFile
from tvcli.core.location import naming_training
from tvcli.core.location.judging import Judge
from tvcli.core.location.look_cells import GRID, Looks
from tvcli.core.location.naming import Naming, naming_of
from tvcli.core.location.naming_training import train_naming
from tvcli.core.location.verifier import Verifier

CHANNELS, SIDE = 4, 7
LABELS = ("cat", "dog", "")


def looks(apart: float, channels: int = CHANNELS) -> Looks:
    """Return looks at cats and dogs, `apart` in a channel each, and at some without a label."""
    rng = np.random.default_rng(0)
    number = np.repeat(np.arange(30), 5)
    labels = tuple(LABELS[photo % 3] for photo in number)
    cells = rng.normal(0, 1, (len(number), channels, GRID, GRID)).astype(np.float32)
    for row, label in enumerate(labels):
        if label:
            cells[row, LABELS.index(label)] += apart
    return Looks(torch.from_numpy(cells), np.ones(len(number), bool), number, (SIDE, SIDE), labels)


def test_labels_are_told_apart_and_those_without_one_do_not_count() -> None:
    found = train_naming(looks(1.5))
    assert found is not None
    naming, quality = found
    assert naming.labels == ("cat", "dog")
    assert set(quality.recalls) == {"cat", "dog"}
    assert quality.accuracy > 0.95
    unknowable = train_naming(looks(0.0))
    assert unknowable is not None and 0.3 < unknowable[1].accuracy < 0.7
    maps = torch.zeros(2, CHANNELS, SIDE, SIDE)
    maps[:, 1] = 1.5
    logits = F.conv2d(maps, torch.from_numpy(naming.kernels))[:, :, 0, 0].numpy() + naming.biases
    label, probability = naming.name(logits)
    assert label == "dog" and probability > 0.9


def test_the_span_of_few_looks_gives_what_all_features_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = looks(1.5, 32)  # 100 looks with a label, and their mirror images, of 512 features
    in_their_span = train_naming(few)
    seen: list[int] = []

    def as_they_are(inputs: torch.Tensor) -> tuple[torch.Tensor, None]:
        seen.append(inputs.shape[1])
        return inputs, None

    monkeypatch.setattr(naming_training, "_in_their_span", as_they_are)
    plain = train_naming(few)
    assert seen == [512]
    assert in_their_span is not None and plain is not None
    assert in_their_span[1] == plain[1]
    largest = float(np.abs(plain[0].kernels).max())
    assert largest > 0.01
    assert in_their_span[0].kernels == pytest.approx(plain[0].kernels, abs=0.01 * largest)
    assert in_their_span[0].biases == pytest.approx(plain[0].biases, abs=0.01)


def test_one_label_is_learned_as_before() -> None:
    known = looks(1.5)
    one = Looks(known.cells, known.shown, known.photos, known.window, ("cat",) * len(known.shown))
    assert train_naming(one) is None


def naming() -> Naming:
    kernels = np.zeros((2, CHANNELS, SIDE, SIDE), np.float32)
    return Naming(("cat", "dog"), kernels, np.zeros(2, np.float32))


def test_a_judge_keeps_probability_and_label_apart() -> None:
    verifier = Verifier(np.zeros((CHANNELS, SIDE, SIDE), np.float32), 0.25, 0.9)
    both = Judge(verifier, naming())
    assert both.kernels.shape == (3, CHANNELS, SIDE, SIDE)
    assert both.biases.tolist() == [0.25, 0, 0]
    seen = both.judge(np.array([[2.0, 1.0, 3.0], [0.0, 1.0, 1.0]]))
    assert seen.score == pytest.approx(1 / (1 + np.exp(-1)))
    assert (seen.label, seen.label_score) == ("dog", pytest.approx(1 / (1 + np.exp(-1))))
    only = Judge(None, naming()).judge(np.array([[5.0, 0.0]]))
    assert (only.score, only.label) == (None, "cat")


def test_a_naming_is_read_from_its_head_and_a_damaged_one_is_refused() -> None:
    state = naming().state | {"reduction.axes": np.zeros((2, CHANNELS))}
    settings = {"window": [SIDE, SIDE], "naming": {"labels": ["cat", "dog"]}}
    found = naming_of(HeadFile("classifier", state, settings))
    assert found is not None and found.labels == ("cat", "dog")
    assert naming_of(HeadFile("classifier", state, {"window": [SIDE, SIDE]})) is None
    for labels in (["cat"], ["cat", "dog", "cow"]):
        wrong = settings | {"naming": {"labels": labels}}
        with pytest.raises(ValueError, match="labels"):
            naming_of(HeadFile("classifier", state, wrong))
