"""A new last layer on fixed features, with its out-of-fold predictions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.classes import ALIASES, Classes
from emotion.models.statistics.calibration import fit_temperature
from emotion.models.training.refit import Floats, Head, fit_head

PULLS = (3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Strengths of the L2 regularisation that are tried, towards the initial layer or towards zero."""
_TINY = 1e-9
_EVENNESS = 0.5

_Ints = npt.NDArray[np.int64]
Log = Callable[[dict[str, float]], None]


@dataclass(frozen=True, slots=True, eq=False)
class FittedHead:
    """A last layer and its out-of-fold predictions.

    Attributes:
        head: fitted to all faces.
        temperature: by which its logits are divided.
        predictions: float32 (n, classes), out-of-fold probabilities of each face.
        pull: strength of the regularisation.
        predicted: bool (n,), the faces that have a prediction; None: all.
    """

    head: Head
    temperature: float
    predictions: Floats
    pull: float
    predicted: npt.NDArray[np.bool_] | None = None

    def loss(self, labels: _Ints, rows: npt.NDArray[np.bool_] | None = None) -> float:
        """The out-of-fold log loss: of `rows`, or of all faces."""
        kept = slice(None) if rows is None else rows
        return log_loss(labels[kept], self.predictions[kept])


def start_of(head: Head, classes: Classes, wanted: Classes) -> Head | None:
    """The initial last layer, if a model already has all wanted classes; else None.

    Args:
        head: of the model.
        classes: of the model.
        wanted: of the new one; ``happy`` is ``happiness``.
    """
    known = [name if name in classes else ALIASES.get(name, "") for name in wanted]
    if len(set(known)) < len(wanted) or not set(known) <= set(classes.names):
        return None
    columns = [classes.index(name) for name in known]
    return Head(head.kernel[:, columns], head.bias[columns])


def learn_head(
    features: Floats,
    labels: _Ints,
    folds: _Ints,
    classes: int,
    start: Head | None = None,
    log: Log = lambda row: None,
) -> FittedHead:
    """Fit a last layer, with the regularisation that has the smallest out-of-fold loss.

    Args:
        features: float32 (views, n, d), of each face and then of its mirror image.
        labels: int64 (n,).
        folds: int64 (n,), of `folds.in_folds`; with one fold all predictions are for training faces.
        classes: their number.
        start: the last layer towards which weights are regularised, if any.
        log: called with the result of each strength.
    """
    best: tuple[float, float, Floats] | None = None
    for pull in PULLS[::-1]:
        logits = np.zeros((len(labels), classes), np.float32)
        for fold in np.unique(folds).tolist():
            validation = folds == fold
            training = ~validation if (~validation).any() else validation
            head = fit_one(features[:, training], labels[training], pull, classes, start)
            logits[validation] = head(features[0][validation])
        predictions = probabilities(logits)
        loss = log_loss(labels, predictions)
        log(
            {"pull": pull, "log_loss": loss, "accuracy": float((predictions.argmax(axis=1) == labels).mean())}
        )
        if best is None or loss < best[0]:
            best = loss, pull, logits
        elif loss > best[0] * 1.05:
            break  # weaker regularisation only overfits more
    assert best is not None
    _, pull, logits = best
    temperature = fit_temperature(labels, probabilities(logits))
    head = fit_one(features, labels, pull, classes, start)
    return FittedHead(head, temperature, probabilities(logits / np.float32(temperature)), pull)


def weights_of(labels: _Ints) -> npt.NDArray[np.float64]:
    """The weight of each face, float64 (n,), summing to one: smaller for more common classes."""
    weights = np.bincount(labels).astype(np.float64)[labels] ** -_EVENNESS
    return np.asarray(weights / weights.sum(), np.float64)


def fit_one(features: Floats, labels: _Ints, pull: float, classes: int, start: Head | None) -> Head:
    """A last layer fitted to all views, float32 (views, n, d), of faces."""
    views, faces, width = features.shape
    repeated = np.tile(labels, views)
    return fit_head(
        features.reshape(views * faces, width),
        repeated,
        weights_of(repeated),
        pull,
        classes=classes,
        start=start,
    )


def log_loss(labels: _Ints, said: Floats) -> float:
    """The class-balanced log loss at the best temperature."""
    cooled = said ** (1 / fit_temperature(labels, said))
    cooled /= cooled.sum(axis=1, keepdims=True)
    truth = np.log(np.maximum(cooled[np.arange(len(labels)), labels], _TINY))
    return float(np.mean([-truth[labels == label].mean() for label in np.unique(labels)]))


def probabilities(logits: Floats) -> Floats:
    """The softmax of logits (n, classes)."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
