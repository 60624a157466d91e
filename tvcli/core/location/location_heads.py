"""The classifier and the boxes' nets as head files: trained from crops, saved, and loaded."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from tvcli.core.encoding.encode import one_thread_each
from tvcli.core.errors import BadInput
from tvcli.core.files.locks import writing
from tvcli.core.heads import HeadFile, load_head, save_head
from tvcli.core.location.basis import LEAST_HELD_OUT, Basis
from tvcli.core.location.classifier import Classifier, Quality, judge, train_classifier
from tvcli.core.location.cropset import CropSet, load_crops
from tvcli.core.location.distractors import distractors_of
from tvcli.core.location.look_cells import load_looks
from tvcli.core.location.naming import naming_of
from tvcli.core.location.naming_training import NamingQuality, train_naming
from tvcli.core.location.reduction import Reduction, reduction_of
from tvcli.core.location.regressors import (
    BoxErrors,
    Regressors,
    measure_boxes,
    predict,
    train_regressors,
)
from tvcli.core.location.verifier_training import Verification, train_verifier
from tvcli.core.reports import Report
from tvcli.core.training_history import History

SIZES = (0.05, 0.5, 0.95)  # quantiles of the objects' sizes that a head of boxes keeps


@dataclass(frozen=True, slots=True)
class TrainedClassifier:
    """What a training of the classifier found; `curve` is (recalls, precisions).

    `verification` is None where there were not enough photos without the object, `naming` where
    the objects have fewer than two labels.
    """

    quality: Quality
    history: History
    curve: tuple[list[float], list[float]]
    basis: Basis
    verification: Verification | None = None
    naming: NamingQuality | None = None


@dataclass(frozen=True, slots=True)
class TrainedBoxes:
    """What a training of the boxes' nets found, beside always answering the mean box."""

    errors: BoxErrors
    mean_box: BoxErrors
    history: History
    basis: Basis

    @property
    def is_better(self) -> bool:
        """Whether the nets beat the mean box."""
        return self.errors.iou > self.mean_box.iou


@dataclass(frozen=True, slots=True)
class LoadedHead:
    """A head ready to use: its reduction, its net in eval mode, and its file's settings."""

    reduction: Reduction
    net: Any
    file: HeadFile


def teach_classifier(
    crops_file: Path,
    target: Path,
    provenance: dict[str, Any],
    *,
    seed: int,
    report: Report,
    distractors: bool | None = None,
) -> TrainedClassifier:
    """Train the classifier on encoded crops and save it; raises as `train_classifier` does.

    Where there are looks at photos without the object, it learns to verify as well, beside these
    from the distractors that ship with the backbone, if any; with `distractors` from them alone if
    need be, and with False without them.

    Raises:
        BadInput: distractors are asked for, and do not ship with the crops' backbone.
    """
    with writing(target):
        with one_thread_each():  # steps this small lose more by sharing cores than they gain
            crops = load_crops(crops_file, ("target", "background"), seed)
            net, history = train_classifier(crops, seed, report)
            quality, precisions, recalls = judge(net, crops)
            looks = load_looks(crops_file, seed)
            if distractors or (distractors is None and not looks.shown.all()):
                shipped = distractors_of(crops.settings["encoder"])
                if shipped is not None:
                    looks = looks.beside(shipped)
                elif distractors:
                    raise BadInput(
                        f"{crops_file}: no distractors ship for its backbone and size; give tv "
                        f"crops photos without the object by --background"
                    )
            verified, named = train_verifier(looks), train_naming(looks)
            if verified is None and not looks.shown.all():
                report.note(_unverified(*looks.counts))
        known = {"accuracy": round(quality.accuracy, 4)} if crops.basis.is_measured else {}
        settings = _settings(crops) | {"threshold": quality.threshold, "quality": known}
        state = _state(net, crops.reduction)
        verification = None
        if verified is not None:
            verifier, verification = verified
            state |= verifier.state
            settings["verifier"] = asdict(verification) | {"threshold": verifier.threshold}
        quality_of_names = None
        if named is not None:
            naming, quality_of_names = named
            state |= naming.state
            settings["naming"] = {"labels": list(naming.labels)} | asdict(quality_of_names)
        save_head(target, HeadFile("classifier", state, settings), provenance)
    curve = recalls.tolist(), precisions.tolist()
    return TrainedClassifier(quality, history, curve, crops.basis, verification, quality_of_names)


def _unverified(shown: int, others: int) -> str:
    return (
        "warning: other things are not told from the object: that takes close looks (tv crops "
        f"--looks) at {LEAST_HELD_OUT} photos with it and {LEAST_HELD_OUT} without it to learn "
        f"from, and there are {shown} and {others}"
    )


def teach_boxes(
    crops_file: Path, target: Path, provenance: dict[str, Any], *, seed: int, report: Report
) -> TrainedBoxes:
    """Train the boxes' nets on encoded crops and save them; raises as `train_regressors` does."""
    with writing(target):
        with one_thread_each():
            crops = load_crops(crops_file, ("target", "look"), seed)
            nets, history = train_regressors(crops, seed, report)
            rows = crops.held_out if crops.held_out.any() else ~crops.held_out
            errors = measure_boxes(predict(nets, crops.maps[rows]), crops, rows)
        mean_box = crops.boxes[~crops.held_out].mean(0).expand(int(rows.sum()), 4)
        objects = {
            "labels": sorted(set(filter(None, crops.labels))),
            "sizes": np.quantile(crops.sizes, SIZES).round(4).tolist(),
        }
        state = _state(nets, crops.reduction)
        save_head(target, HeadFile("boxes", state, _settings(crops) | objects), provenance)
    baseline = measure_boxes(mean_box, crops, rows)
    return TrainedBoxes(errors, baseline, history, crops.basis)


def load_classifier(path: Path) -> LoadedHead:
    """Load a classifier; raises as `load_head` does."""
    head = load_head(path, "classifier")
    state = _net_state(head, path)
    try:
        net = Classifier(head.state["reduction.axes"].shape[0], _window(head))
        net.load_state_dict(state)
        return LoadedHead(reduction_of(head.tensors()), net.eval(), head)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: damaged; train it again") from error


def load_boxes(path: Path) -> LoadedHead:
    """Load the boxes' nets; raises as `load_head` does."""
    head = load_head(path, "boxes")
    state = _net_state(head, path)
    try:
        channels = head.state["reduction.axes"].shape[0]
        net = Regressors(channels, _window(head), state["mean"], state["std"], state["spans"])
        net.load_state_dict(state)
        return LoadedHead(reduction_of(head.tensors()), net.eval(), head)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: damaged; train it again") from error


class TorchHeads:
    """Both heads run by torch: maps (N, C, h, w) -> answers (N, 5 + L, h', w'), float32.

    Answers of a window are its box, relative to the window, the probability of the object, and the
    logits of the L labels that the classifier tells apart. Raises as `load_head` does.
    """

    def __init__(self, classifier: Path, boxes: Path, device: torch.device) -> None:
        self._classifier, self._boxes = load_classifier(classifier), load_boxes(boxes)
        self.classifier, self.boxes = self._classifier.file, self._boxes.file
        naming = naming_of(self.classifier)
        self._naming: tuple[Tensor, Tensor] | None = None
        if naming is not None:
            kernels, biases = map(torch.from_numpy, (naming.kernels, naming.biases))
            self._naming = kernels.to(device), biases.to(device)
        for head in (self._classifier, self._boxes):
            head.reduction.to(device)
            head.net.to(device)

    @torch.inference_mode()
    def __call__(self, maps: Tensor) -> Tensor:
        """Return the answers of all windows."""
        odds = self._classifier.net(self._classifier.reduction(maps))  # (N, h', w')
        boxes = self._boxes.net(self._boxes.reduction(maps))  # (N, 4, h', w')
        names = [F.conv2d(maps, *self._naming)] if self._naming else []  # (N, L, h', w')
        return torch.cat([boxes, odds.sigmoid()[:, None], *names], 1)


def _settings(crops: CropSet) -> dict[str, Any]:
    window = [int(side) for side in crops.maps.shape[2:]]
    return {**crops.settings, "window": window, "basis": crops.basis.as_settings()}


def _state(net: torch.nn.Module, reduction: Reduction) -> dict[str, npt.NDArray[Any]]:
    state = {f"net.{name}": value for name, value in net.state_dict().items()}
    state |= {f"reduction.{name}": value for name, value in reduction.state_dict().items()}
    return {name: value.cpu().numpy() for name, value in state.items()}


def _net_state(head: HeadFile, path: Path) -> dict[str, Tensor]:
    found = {name[4:]: value for name, value in head.tensors().items() if name.startswith("net.")}
    if not found or not {"reduction.mean", "reduction.axes"} <= head.state.keys():
        raise BadInput(f"{path}: damaged; train it again")
    return found


def _window(head: HeadFile) -> tuple[int, int]:
    down, across = head.settings["window"]
    return int(down), int(across)
