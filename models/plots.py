"""The pictures that training and evaluation leave behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure


def save_curves(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Losses and validation accuracy over the epochs, as one picture.

    Args:
        path: where the PNG goes.
        history: the rows of history.csv (`models.training.Epoch`).
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for key, label in (("emotion_loss", "training"), ("validation_loss", "validation")):
        losses.plot(epochs, [row[key] for row in history], marker="o", label=label)
    losses.set(title="Cross entropy", xlabel="epoch")
    losses.legend(frameon=False)
    accuracy.plot(epochs, [100 * row["validation_balanced_accuracy"] for row in history], marker="o")
    accuracy.set(title="Balanced accuracy on the validation part (%)", xlabel="epoch")
    for axis in (losses, accuracy):
        axis.grid(alpha=0.3)
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=120)


def save_confusion_matrix(
    path: Path, matrix: npt.NDArray[np.int64], names: Sequence[str], title: str
) -> None:
    """A confusion matrix: each row in per cent of its truth, with the counts below.

    Args:
        path: where the PNG goes.
        matrix: int64 (classes, classes), rows are the truth, columns the answer.
        names: of the classes.
        title: above the picture.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(names))
    axis.set_xticks(places, names, rotation=30, ha="right")
    axis.set_yticks(places, names)
    axis.set(xlabel="answer", ylabel="truth", title=title)
    for row in places:
        for column in places:
            axis.text(
                column,
                row,
                f"{100 * shares[row, column]:.0f}%\n{matrix[row, column]}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if shares[row, column] > 0.55 else "black",
            )
    figure.savefig(path, dpi=120)
