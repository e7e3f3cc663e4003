"""Scores of a network with one head per set, on the held-out faces of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.classes import EMOTIONS
from emotion.models.data.pools import Pool
from emotion.models.statistics.intervals import Interval, Weights, bootstrap
from emotion.models.training.networks import EMOTION_HEAD
from emotion.models.training.set_heads import SET_HEAD

_CLASSES = len(EMOTIONS)


@dataclass(frozen=True, slots=True)
class Score:
    """Scores on one set.

    Attributes:
        name: of the set.
        faces: how many.
        common, own: balanced accuracy of the common head and of the set's own, with 95% intervals; the
            mean over the emotions that occur.
        accuracy: of the set's own head, with the class frequencies of the set.
        recalls: of the common head, by emotion; nan without faces.
    """

    name: str
    faces: int
    common: Interval
    own: Interval
    accuracy: float
    recalls: tuple[float, ...]

    def in_words(self) -> str:
        """A line."""
        recalls = " ".join(f"{e} {100 * r:.0f}" for e, r in zip(EMOTIONS, self.recalls, strict=True))
        common, own = (
            f"{100 * i.value:.1f} ({100 * i.low:.1f} to {100 * i.high:.1f})" for i in (self.common, self.own)
        )
        return (
            f"{self.name}, {self.faces} faces: balanced common {common}, own {own}; "
            f"right {100 * self.accuracy:.1f}; recall {recalls}"
        )


def score_sets(
    pool: Pool, predictions: Mapping[str, npt.NDArray[np.float32]], heads: Sequence[str]
) -> list[Score]:
    """Scores on each set of a pool.

    Args:
        pool: faces that were not learnt from.
        predictions: the result of `emotion.models.training.many_sets.predict`.
        heads: the sets that have heads, in their order; others are evaluated with the common head alone.
    """
    found = []
    for name in np.unique(pool.sets).tolist():
        rows = np.flatnonzero(pool.sets == name)
        labels, groups = pool.labels[rows], pool.groups[rows]
        present = np.isin(np.arange(_CLASSES), labels)
        # Emotions without labels in a set are not predicted there.
        absent = np.where(present, 0.0, -np.inf)
        common = predictions[EMOTION_HEAD][rows] + absent
        own = common + (predictions[SET_HEAD][rows, heads.index(name)] if name in heads else 0)
        shares = np.log(np.maximum(np.bincount(labels, minlength=_CLASSES) / len(labels), 1e-9))
        found.append(
            Score(
                name,
                len(rows),
                balanced(labels, common.argmax(axis=1), groups),
                balanced(labels, own.argmax(axis=1), groups),
                float(np.mean((own + shares).argmax(axis=1) == labels)),
                tuple(recalls(labels, common.argmax(axis=1), np.ones(len(labels))).tolist()),
            )
        )
    return found


def recalls(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], weights: Weights) -> Weights:
    """Recall of each emotion, float64 (6,); nan without faces."""
    right = np.bincount(labels, weights * (predicted == labels), minlength=_CLASSES)
    with np.errstate(invalid="ignore"):
        return np.asarray(right / np.bincount(labels, weights, minlength=_CLASSES), np.float64)


def balanced(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]
) -> Interval:
    """Mean recall over the emotions that occur, with its 95% interval over groups of near duplicates."""

    def mean_recall(weights: Weights) -> Weights:
        return np.array([np.nanmean(recalls(labels, predicted, weights))])

    value, low, high = (float(end[0]) for end in bootstrap(groups, mean_recall))
    return Interval(value, low, high)
