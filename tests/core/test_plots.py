from pathlib import Path

import pytest
from PIL import Image

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.plots import plot_history, plot_precision_recall
from tvcli.core.training import History

pytest.importorskip("matplotlib", reason="needs the plot extra")
HISTORY = History([float("nan"), 0.5, 0.3, 0.2], [0.6, 0.8, 0.9, 0.7])


def test_a_history_is_drawn(tmp_path: Path) -> None:
    plot_history(HISTORY, tmp_path / "h.png", "training")
    with Image.open(tmp_path / "h.png") as drawn:
        assert drawn.size == (960, 540)


def test_beside_a_history_is_drawn_how_true_probabilities_are(tmp_path: Path) -> None:
    plot_history(HISTORY, tmp_path / "h.svg", "training", ([0.1, 0.9], [0.2, 0.8]))
    drawn = (tmp_path / "h.svg").read_text()
    assert "held-out score" in drawn and "share that belongs" in drawn


def test_precision_over_recall_is_drawn(tmp_path: Path) -> None:
    plot_precision_recall({"before": ([0.1, 1], [1, 0.5])}, tmp_path / "pr.svg", "search")
    assert "</svg>" in (tmp_path / "pr.svg").read_text()


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    plot_history(HISTORY, tmp_path / "new" / "h.png", "training")
    with pytest.raises(BadInput, match=r"h\.png/h\.png: cannot be written"):
        plot_history(HISTORY, tmp_path / "new" / "h.png" / "h.png", "training")


def test_an_unknown_format_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"h\.xyz"):
        plot_history(HISTORY, tmp_path / "h.xyz", "training")
