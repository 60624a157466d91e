"""Plots of what was learned and measured, with matplotlib from the `plot` extra."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.atomic_write import folder_made
from tvcli.core.files.own_files import MARK, check_own
from tvcli.core.training_history import History

SIZE = (8.0, 4.5)  # inches
DOTS = 120  # per inch


def plot_history(
    history: History,
    path: Path,
    title: str,
    reliability: tuple[ArrayLike, ArrayLike] | None = None,
) -> None:
    """Draw the loss and the held-out score, epoch by epoch, and mark the epoch that was kept.

    Beside it, where it is known, how true the probabilities are: what is said, and what is so.

    Raises:
        UsageError: matplotlib is not there, or cannot write that kind of file.
        BadInput: the file cannot be written.
    """
    figure = _figure()
    whole = figure
    if reliability is not None:
        figure.set_figwidth(2 * SIZE[0])
        whole, beside = figure.subfigures(1, 2)
        _draw_reliability(beside, *reliability, "held-out pairs")
    epochs = range(len(history.scores))
    left = whole.add_subplot(xlabel="epoch", ylabel="loss", title=title)
    right = left.twinx()
    right.set_ylabel("held-out score")
    left.plot(epochs, history.losses, color="tab:orange", label="loss")
    right.plot(epochs, history.scores, color="tab:blue", label="held-out score")
    right.axvline(history.kept, color="0.6", linestyle="--", label=f"kept: epoch {history.kept}")
    whole.legend(loc="outside lower center", ncols=3)
    _save(figure, path)


def plot_precision_recall(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], path: Path, title: str
) -> None:
    """Draw precision over recall; each curve is (recalls, precisions), by name.

    Raises:
        UsageError: matplotlib is not there, or cannot write that kind of file.
        BadInput: the file cannot be written.
    """
    figure = _figure()
    axes = _shares(figure, "recall", "precision", title)
    for name, (recalls, precisions) in curves.items():
        axes.plot(recalls, precisions, label=name)
    figure.legend(loc="outside lower center", ncols=3)
    _save(figure, path)


def plot_reliability(said: ArrayLike, so: ArrayLike, path: Path, title: str) -> None:
    """Draw the share of pairs that belong together over the probability that is said of them.

    Raises:
        UsageError: matplotlib is not there, or cannot write that kind of file.
        BadInput: the file cannot be written.
    """
    figure = _figure()
    _draw_reliability(figure, said, so, title)
    _save(figure, path)


def _draw_reliability(figure: Any, said: ArrayLike, so: ArrayLike, title: str) -> None:
    axes = _shares(figure, "probability", "share that belongs", title)
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="as good as its word")
    axes.plot(said, so, "o-", label="pairs")
    figure.legend(loc="outside lower center", ncols=2)


def _figure() -> Any:
    try:
        from matplotlib.figure import Figure  # the plot extra; no window, no global state
    except ImportError:
        raise UsageError("--plot needs matplotlib: pip install 'tvcli[plot]'") from None
    return Figure(figsize=SIZE, dpi=DOTS, layout="constrained")


def _shares(figure: Any, across: str, up: str, title: str) -> Any:
    """Return axes of two shares, each from 0 to 1."""
    axes = figure.add_subplot(xlabel=across, ylabel=up, title=title)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    return axes


def _save(figure: Any, path: Path) -> None:
    check_own(path, "plot")
    name = "Software" if path.suffix.lower() in (".png", ".webp", ".jpg", ".jpeg") else "Creator"
    try:
        with folder_made(path):
            figure.savefig(path, metadata={name: MARK})
    except ValueError as error:
        raise UsageError(f"--plot {path}: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror or error}") from error
