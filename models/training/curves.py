"""Plots of training curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from emotion.models.atomic_files import atomic_output


def save_curves(
    path: Path, history: Sequence[Mapping[str, Any]], finished: tuple[float, float] | None = None
) -> None:
    """Losses and validation accuracy over the epochs, as one picture.

    Args:
        path: where the PNG goes.
        history: the rows of history.csv (`emotion.models.training.trainer.Epoch`).
        finished: validation loss and balanced accuracy of the finished network, whose batch norms are
            settled.
    """
    with atomic_output(path) as made:
        draw_curves(history, finished).savefig(made, dpi=120)


def draw_curves(history: Sequence[Mapping[str, Any]], finished: tuple[float, float] | None = None) -> Figure:
    """The same as a figure."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for key, label in (("emotion_loss", "training"), ("validation_loss", "validation")):
        losses.plot(epochs, [row[key] for row in history], marker="o", label=label)
    accuracy.plot(epochs, [100 * row["validation_balanced_accuracy"] for row in history], marker="o")
    if finished:
        for axis, value in zip((losses, accuracy), (finished[0], 100 * finished[1]), strict=True):
            axis.plot(epochs[-1:] or [0], [value], "k*", markersize=11, label="finished network, validation")
    losses.set(title="Cross entropy", xlabel="epoch")
    losses.legend(frameon=False)
    accuracy.set(title="Balanced accuracy on the validation part (%)", xlabel="epoch")
    for axis in (losses, accuracy):
        axis.grid(alpha=0.3)
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure
