"""The boxes' nets: where x0, y0, x1 and y1 of the object are in a crop, as sliding convolutions."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tvcli.core.errors import BadInput
from tvcli.core.location.cropset import CropSet, mirrored
from tvcli.core.optimizers import AdamW
from tvcli.core.reports import Report
from tvcli.core.training import seeded
from tvcli.core.training_history import History

SIDES = ("x0", "y0", "x1", "y1")
SHARED, HIDDEN, BINS = 64, 48, 64  # channels of the trunk and of a net, places on its scale
DROPPED = 0.3
BLUR = 0.03  # of a crop's side: how wide the truth is spread over a net's scale
RATE, DECAY, BATCH = 2e-3, 1e-2, 32
STEPS, LEAST_EPOCHS, MOST_EPOCHS = 600, 6, 40


class SideNet(nn.Module):
    """One side: lines of the trunk (N, 2 S, h, w) -> the scores of places, (N, BINS, h', w').

    Lines are the trunk's columns (for x0, x1; its rows for y0, y1), summed up by mean and maximum.
    Two convolutions along them score a scale of places, and the answer is the mean of these under
    their softmax: a map of one dimension learns from few photos where a fully connected layer over
    all positions learns them by heart. (Integral regression: Sun et al. 2018.)
    """

    def __init__(self, down: bool, window: tuple[int, int], low: float, high: float) -> None:
        super().__init__()
        along = window[0] if down else window[1]
        first, last = ((3, 1), (along - 2, 1)) if down else ((1, 3), (1, along - 2))
        self.first = nn.Conv2d(2 * SHARED, HIDDEN, first)
        self.last = nn.Conv2d(HIDDEN, BINS, last)
        self.register_buffer("places", torch.linspace(low, high, BINS))

    def forward(self, lines: Tensor) -> Tensor:
        """Return the scores of all places."""
        hidden = F.dropout(F.relu(self.first(lines)), DROPPED, self.training)
        scores: Tensor = self.last(hidden)
        return scores


class Regressors(nn.Module):
    """Four nets on one trunk: reduced maps (N, D, h, w) float32 -> boxes (N, 4, h', w').

    Boxes are relative to the window of `window` positions that starts at each position, 0 to 1
    from edge to edge. `mean` and `std` (4,) are the sides' statistics in training, `spans` (4, 2)
    their range in standard deviations.
    """

    def __init__(
        self, channels: int, window: tuple[int, int], mean: Tensor, std: Tensor, spans: Tensor
    ) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, SHARED, 1),
            nn.ReLU(),
            nn.Dropout2d(DROPPED),
            nn.Conv2d(SHARED, SHARED, 3),
            nn.ReLU(),
        )
        self.inner = window[0] - 2, window[1] - 2  # what the 3x3 leaves of a window
        self.nets = nn.ModuleList(
            SideNet(side % 2 == 1, self.inner, *spans[side].tolist()) for side in range(4)
        )
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.register_buffer("spans", spans)

    @property
    def places(self) -> Tensor:
        """The places of each net's scale (4, BINS), in standard deviations from its mean."""
        return torch.stack([net.get_buffer("places") for net in self.nets])

    def answers(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return standardised answers (N, 4, h', w') and all nets' scores (N, 4, BINS, h', w')."""
        shared = self.trunk(maps)  # (N, S, h - 2, w - 2)
        columns = self._lines(shared, (self.inner[0], 1))  # (N, 2 S, h', w - 2)
        rows = self._lines(shared, (1, self.inner[1]))  # (N, 2 S, h - 2, w')
        lines = [columns, rows, columns, rows]  # of x0, y0, x1, y1
        scores = torch.stack([net(own) for net, own in zip(self.nets, lines, strict=True)], 1)
        likely = scores.movedim(2, -1).softmax(-1)  # along the last axis it is five times as fast
        return (likely * self.places[:, None, None]).sum(-1), scores

    def _lines(self, shared: Tensor, across: tuple[int, int]) -> Tensor:
        means, peaks = F.avg_pool2d(shared, across, 1), F.max_pool2d(shared, across, 1)
        return F.dropout(torch.cat([means, peaks], 1), DROPPED, self.training)

    def forward(self, maps: Tensor) -> Tensor:
        """Return boxes relative to every window."""
        answers, _ = self.answers(maps)
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        return answers * std[:, None, None] + mean[:, None, None]


@dataclass(frozen=True, slots=True)
class BoxErrors:
    """How far off boxes are on some crops: mean absolute error in pixels per side, and mean IoU."""

    pixels: tuple[float, ...]
    iou: float


def new_regressors(channels: int, window: tuple[int, int], boxes: Tensor) -> Regressors:
    """Return untrained nets for relative boxes (N, 4) of training crops."""
    mean, std = boxes.mean(0), boxes.std(0).clamp(min=1e-3)
    standard = (boxes - mean) / std
    low, high = standard.quantile(0.002, 0) - 0.3, standard.quantile(0.998, 0) + 0.3
    return Regressors(channels, window, mean, std, torch.stack([low, high], 1))


def train_regressors(crops: CropSet, seed: int, report: Report) -> tuple[Regressors, History]:
    """Train the four nets on crops that show an object, those of held-out photos left out.

    The rate rises and falls once over a number of epochs set by the number of crops, so nothing is
    chosen on the held-out photos, whose IoU is only watched (Smith and Topin, 2018: one cycle).

    Raises:
        BadInput: too few training crops.
    """
    train = torch.nonzero(~crops.held_out & crops.boxes.isfinite().all(1))[:, 0]
    if len(train) < 2:
        raise BadInput("too few crops with boxes in training photos: at least 2; see tv crops")
    window = crops.maps.shape[2], crops.maps.shape[3]
    if min(window) < 6:
        raise BadInput(f"maps of {window[0]} x {window[1]}: too small; encode with a larger --size")
    with seeded(seed) as generator:
        nets = new_regressors(crops.maps.shape[1], window, crops.boxes[train])
        nets.to(memory_format=torch.channels_last)
        history = _train(nets, crops, train, generator, report)
    return nets.eval(), history


def _train(
    nets: Regressors, crops: CropSet, train: Tensor, generator: torch.Generator, report: Report
) -> History:
    batch = min(BATCH, len(train))
    each = len(train) // batch
    epochs = max(LEAST_EPOCHS, min(MOST_EPOCHS, math.ceil(STEPS / each)))
    optimizer = AdamW(nets.parameters(), RATE, weight_decay=DECAY, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * each + 1, pct_start=0.2
    )
    history = History([float("nan")], [_held_out_iou(nets, crops)], chooses=False)
    report.start("training the boxes' nets", "epochs", epochs)
    for _ in range(epochs):
        nets.train()
        order = train[torch.randperm(len(train), generator=generator)]
        losses = []
        for rows in torch.split(order, batch)[:each]:
            loss = _loss(nets, crops.batch(rows), crops.boxes[rows], generator)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            cycle.step()
            losses.append(loss.item())
        history.losses.append(sum(losses) / len(losses))
        history.scores.append(_held_out_iou(nets, crops))
        report.advance()
    return history


def _loss(nets: Regressors, maps: Tensor, boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Return the distance of the answers from the truth, and of the scores from it, blurred."""
    if torch.rand(1, generator=generator).item() < 0.5:
        maps, boxes = maps.flip(3), mirrored(boxes)
    mean, std = nets.get_buffer("mean"), nets.get_buffer("std")
    truth = (boxes - mean) / std  # (B, 4)
    answers, scores = nets.answers(maps)  # (B, 4, 1, 1), (B, 4, BINS, 1, 1)
    distance = F.smooth_l1_loss(answers[:, :, 0, 0] * std, truth * std, beta=0.05)
    places = nets.places  # (4, BINS)
    inside = truth.clamp(places[:, 0], places[:, -1])
    away = (places - inside[:, :, None]) * std[:, None]  # (B, 4, BINS)
    wanted = (-0.5 * (away / BLUR) ** 2).softmax(2)
    entropy = -(wanted * scores[..., 0, 0].log_softmax(2)).sum(2).mean()
    return 10 * distance + entropy


def _held_out_iou(nets: Regressors, crops: CropSet) -> float:
    held_out = torch.nonzero(crops.held_out & crops.boxes.isfinite().all(1))[:, 0]
    if not len(held_out):
        return 0.0
    nets.eval()
    return float(pair_iou(predict(nets, crops.maps[held_out]), crops.boxes[held_out]).mean())


@torch.inference_mode()
def predict(nets: Callable[[Tensor], Tensor], maps: Tensor, rows: int = 256) -> Tensor:
    """Return the boxes (N, 4) of crops' maps (N, D, h, w), averaged with those of their mirrors."""
    found = []
    for block in torch.split(maps, rows):
        straight = nets(block.float())[:, :, 0, 0]
        mirror = mirrored(nets(block.float().flip(3))[:, :, 0, 0])
        found.append((straight + mirror) / 2)
    return torch.cat(found)


def measure_boxes(boxes: Tensor, crops: CropSet, rows: Tensor) -> BoxErrors:
    """Return how far relative boxes (M, 4) are from the truth of some crops."""
    truth, sides = crops.boxes[rows], crops.sides[rows].repeat(1, 2)
    pixels = ((boxes - truth).abs() * sides).mean(0)
    return BoxErrors(tuple(pixels.tolist()), float(pair_iou(boxes, truth).mean()))


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the IoU of boxes (N, 4) and (N, 4), pair by pair; an inverted box has none."""
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    areas = [(box[:, 2:] - box[:, :2]).clamp(min=0).prod(1) for box in (a, b)]
    inner = shared.prod(1)
    return inner / (areas[0] + areas[1] - inner).clamp(min=1e-12)
