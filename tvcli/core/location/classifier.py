"""The classifier: target or background, a fully connected net that slides over a map."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tvcli.core.errors import BadInput
from tvcli.core.location.basis import LEAST_HELD_OUT
from tvcli.core.location.cropset import CropSet
from tvcli.core.optimizers import AdamW
from tvcli.core.reports import Report
from tvcli.core.training import fit, seeded
from tvcli.core.training_history import History

NARROW, HIDDEN = 32, 64  # channels before the window is taken in, and units after
DROPPED = 0.3
RATE, DECAY, BATCH = 5e-4, 1e-2, 64
EPOCHS, PATIENCE = 30, 6
HALF = 0.5


class Classifier(nn.Module):
    """Reduced maps (N, D, h, w) float32 -> how much each window looks like the object, (N, h', w').

    A fully connected net over a window is a convolution whose kernel is the window, so a larger
    map gives an answer at every position (OverFeat, Sermanet et al. 2014, section 3.5).
    """

    def __init__(self, channels: int, window: tuple[int, int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, NARROW, 1),
            nn.ReLU(),
            nn.Dropout(DROPPED),
            nn.Conv2d(NARROW, HIDDEN, window),
            nn.ReLU(),
            nn.Dropout(DROPPED),
            nn.Conv2d(HIDDEN, 1, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return the log odds of every window."""
        odds: Tensor = self.layers(maps)
        return odds[:, 0]  # (N, h', w')


@dataclass(frozen=True, slots=True)
class Quality:
    """How well crops are told apart on held-out photos, at a threshold of probability."""

    threshold: float
    accuracy: float
    precision: float
    recall: float


def train_classifier(crops: CropSet, seed: int, report: Report) -> tuple[Classifier, History]:
    """Train on target and background crops, each weighing half, whatever their numbers.

    Stops early by the balanced accuracy on held-out photos, unless they are too few to tell: of one
    photo's crops any half may be right at once, and a net that has learned nothing would be kept.

    Raises:
        BadInput: there are not both kinds of crops in training photos.
    """
    wanted = _is_target(crops)
    train = torch.nonzero(~crops.held_out)[:, 0]
    positives = int(wanted[train].sum())
    if positives in (0, len(train)):
        raise BadInput("crops of both kinds, target and background, are needed in training photos")
    with seeded(seed) as generator:
        net = Classifier(crops.maps.shape[1], (crops.maps.shape[2], crops.maps.shape[3]))
        weights = torch.where(wanted, len(train) / positives, len(train) / (len(train) - positives))
        optimizer = AdamW(net.parameters(), RATE, weight_decay=DECAY)

        def epoch(_: int) -> float:
            net.train()
            order = train[torch.randperm(len(train), generator=generator)]
            losses = [
                _step(net, crops, rows, wanted, weights, optimizer)
                for rows in torch.split(order, BATCH)
            ]
            return sum(losses) / len(losses)

        tells = crops.basis.held_out_photos >= LEAST_HELD_OUT
        history = fit(
            net,
            epoch,
            lambda: _score(net, crops, wanted),
            epochs=EPOCHS,
            patience=PATIENCE if tells else None,
            report=report,
            what="training the classifier",
        )
    return net.eval(), history


@torch.inference_mode()
def probabilities(net: Classifier, maps: Tensor, rows: int = 256) -> Tensor:
    """Return the probability (N,) that crops' maps (N, D, h, w) show the object."""
    net.eval()
    return torch.cat([net(block.float())[:, 0, 0].sigmoid() for block in torch.split(maps, rows)])


def judge(net: Classifier, crops: CropSet) -> tuple[Quality, Tensor, Tensor]:
    """Return the quality at the best threshold, and precisions and recalls (M,) at all of them.

    Measured on held-out photos (without any, on the training ones). The threshold is where the F1
    measure is highest, in the middle up to the next lower probability, but one half at most: few
    held-out crops can put it anywhere, and missing objects costs more than looking twice.
    """
    wanted = _is_target(crops)
    rows = crops.held_out if crops.held_out.any() else ~crops.held_out
    found, truth = probabilities(net, crops.maps[rows]), wanted[rows]
    order = found.argsort(descending=True)
    hits = truth[order].cumsum(0)
    precisions = hits / torch.arange(1, len(order) + 1)
    recalls = hits / max(1, int(truth.sum()))
    best = int((2 * precisions * recalls / (precisions + recalls).clamp(min=1e-9)).argmax())
    below = found[order][min(best + 1, len(order) - 1)]
    threshold = min(HALF, float((found[order][best] + below) / 2))
    accuracy = ((found >= threshold) == truth).float().mean()
    passed = found >= threshold
    right = int((passed & truth).sum())
    precision, recall = right / max(1, int(passed.sum())), right / max(1, int(truth.sum()))
    quality = Quality(threshold, float(accuracy), precision, recall)
    return quality, precisions, recalls


def _step(
    net: Classifier,
    crops: CropSet,
    rows: Tensor,
    wanted: Tensor,
    weights: Tensor,
    optimizer: torch.optim.Optimizer,
) -> float:
    maps = crops.maps[rows].float()
    if int(rows[0]) % 2:  # the order is random, and so is this
        maps = maps.flip(3)
    odds = net(maps)[:, 0, 0]
    loss = F.binary_cross_entropy_with_logits(odds, wanted[rows].float(), weights[rows])
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item()


def _score(net: Classifier, crops: CropSet, wanted: Tensor) -> float:
    """Return the balanced accuracy on held-out photos (without any, on the training ones)."""
    rows = crops.held_out if crops.held_out.any() else ~crops.held_out
    right = (probabilities(net, crops.maps[rows]) >= 0.5) == wanted[rows]
    parts = [right[wanted[rows] == kind].float() for kind in (True, False)]
    means = [float(part.mean()) for part in parts if len(part)]
    return sum(means) / len(means)


def _is_target(crops: CropSet) -> Tensor:
    return torch.tensor([target == "target" for target in crops.targets])
