"""Scores of predictions: rates with 95% intervals, calibration, coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.schema import SHIPPED
from emotion.models.statistics.calibration import BINS, calibration_gaps, confidence_bins
from emotion.models.statistics.intervals import Interval, Weights, bootstrap, bootstrap_size, wilson

_CURVE = np.linspace(1.0, 0.05, 39)


@dataclass(frozen=True, slots=True)
class EmotionScores:
    """Scores of one emotion; all in [0, 1].

    Attributes:
        emotion: its name.
        faces: that show it, by their label.
        recall: share of these faces that are predicted as this emotion.
        precision: share of the faces predicted as this emotion that show it.
        f1: harmonic mean of both.
    """

    emotion: str
    faces: int
    recall: Interval
    precision: Interval
    f1: Interval


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The faces in one bin of confidence: mean confidence, and accuracy."""

    confidence: float
    accuracy: Interval
    faces: int


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """Coverage and accuracy if faces below a confidence are 'uncertain'.

    Attributes:
        coverage: share of the faces with a label.
        confidence: the threshold.
        accuracy: among the faces with a label.
    """

    coverage: float
    confidence: float
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one predictor. Rates are in [0, 1].

    Attributes:
        faces: number of evaluated faces.
        groups: number of independent ones (copies of a photograph count once).
        accuracy: share of correct predictions.
        balanced_accuracy: mean recall of the emotions that occur.
        calibration_error: expected; the mean distance of confidence and accuracy over 15 equal
            bins of confidence, weighted by the faces in them (Guo et al. 2017).
        log_loss: mean negative log likelihood of the truth.
        emotions: in class order.
        confusion: confusion matrix of counts; rows are the truth, columns the predictions.
        reliability: the bins of confidence that have faces.
        coverage: from all faces down to the most confident twentieth.
    """

    faces: int
    groups: int
    accuracy: Interval
    balanced_accuracy: Interval
    calibration_error: Interval
    log_loss: float
    emotions: tuple[EmotionScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]
    coverage: tuple[CoveragePoint, ...]


def score(
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    groups: npt.NDArray[np.int64],
    classes: Sequence[str] = SHIPPED.classes.names,
) -> Scores:
    """Compare probabilities, float32 (n, classes), with labels, int64 (n,).

    Intervals of shares are Wilson's, with groups in place of faces; all others are bootstrapped
    over groups (`emotion.models.statistics.intervals`).

    Args:
        labels: class indices.
        probabilities: rows sum to one.
        groups: int64 (n,); faces of one group are not independent.
        classes: their names.
    """
    from sklearn.metrics import confusion_matrix  # noqa: PLC0415  a second of import; running needs none

    predicted = probabilities.argmax(axis=1)
    value, low, high = bootstrap(groups, lambda weights: _statistics(labels, probabilities, weights))
    drawn = [
        Interval(float(v), max(0.0, float(a)), min(1.0, float(b)))
        for v, a, b in zip(value, low, high, strict=True)
    ]
    truth = probabilities[np.arange(len(labels)), labels]
    return Scores(
        faces=len(labels),
        groups=len(np.unique(groups)),
        accuracy=share(predicted == labels, groups),
        balanced_accuracy=drawn[0],
        calibration_error=bootstrap_size(groups, calibration_gaps(labels, probabilities)),
        log_loss=float(-np.log(np.maximum(truth, 1e-9)).mean()),
        emotions=tuple(
            EmotionScores(
                emotion,
                int((labels == index).sum()),
                recall=share(predicted[labels == index] == index, groups[labels == index]),
                precision=share(labels[predicted == index] == index, groups[predicted == index]),
                f1=drawn[1 + index],
            )
            for index, emotion in enumerate(classes)
        ),
        confusion=tuple(map(tuple, confusion_matrix(labels, predicted, labels=range(len(classes))).tolist())),
        reliability=_reliability(labels, probabilities, groups),
        coverage=_coverage(labels, probabilities, groups),
    )


def share(right: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64]) -> Interval:
    """The share of correct predictions, with Wilson's interval for so many groups."""
    return wilson(float(right.mean()) if len(right) else 0.0, len(np.unique(groups)))


def _statistics(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], weights: Weights
) -> npt.NDArray[np.float64]:
    """Balanced accuracy and each class's F1 of weighted faces."""
    predicted, count = probabilities.argmax(axis=1), probabilities.shape[1]
    right = predicted == labels
    shown = np.bincount(labels, weights, minlength=count)
    given = np.bincount(predicted, weights, minlength=count)
    hits = np.bincount(labels[right], weights[right], minlength=count)
    balanced = (hits[shown > 0] / shown[shown > 0]).mean()
    f1 = 2 * hits / np.maximum(shown + given, 1e-9)
    return np.array([balanced, *f1])


def _reliability(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], groups: npt.NDArray[np.int64]
) -> tuple[ReliabilityBin, ...]:
    confidence, bins = probabilities.max(axis=1), confidence_bins(probabilities)
    right = probabilities.argmax(axis=1) == labels
    return tuple(
        ReliabilityBin(
            float(confidence[inside].mean()), share(right[inside], groups[inside]), int(inside.sum())
        )
        for inside in (bins == b for b in range(BINS))
        if inside.any()
    )


def _coverage(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], groups: npt.NDArray[np.int64]
) -> tuple[CoveragePoint, ...]:
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    points = []
    for coverage in _CURVE:
        kept = order[: max(1, round(float(coverage) * len(order)))]
        points.append(
            CoveragePoint(
                len(kept) / len(order), float(confidence[kept[-1]]), share(right[kept], groups[kept])
            )
        )
    return tuple(points)
