"""The source's rule: what each region counts, from how often its model is right on each class.

The rule of the student project that this program goes back to: where one model is clearly the
better one on an emotion, its vote counts more by the ratio of the two success rates; where they
differ little, both count 1. "Clearly" means here that the rates' 95% intervals do not overlap. Of more
than two, each is measured by the one that is right least often.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.schema import SHIPPED, Schema
from emotion.models.statistics.intervals import wilson

# A model near chance would make the ratio huge, and with it one model the only voter.
MAX_RATIO = 3.0


@dataclass(frozen=True, slots=True)
class SuccessRate:
    """A model's recall on one emotion, with its 95% interval; all in [0, 1]."""

    rate: float
    low: float
    high: float
    faces: int

    @classmethod
    def of(cls, right: int, faces: int) -> "SuccessRate":
        """From counts."""
        found = wilson(right / faces if faces else 0.0, faces)
        return cls(found.value, found.low, found.high, faces)


@dataclass(frozen=True, slots=True)
class EmotionWeight:
    """One class's success rates, by region, and the weights that follow."""

    emotion: str
    rates: Mapping[str, SuccessRate]

    @property
    def clear(self) -> bool:
        """Whether a model is clearly better than the worst: their intervals do not overlap."""
        return any(weight > 1 for weight in self.weights.values())

    @property
    def weights(self) -> dict[str, float]:
        """By region, what its vote on this class counts, `MAX_RATIO` at most."""
        worst = min(self.rates.values(), key=lambda rate: rate.rate)
        return {name: _weight(rate, worst) for name, rate in self.rates.items()}

    def in_words(self) -> str:
        """The reason for the weights, as a sentence."""
        phrases = [f"the {name} are right on {rate.rate:.0%}" for name, rate in self.rates.items()]
        rates = ", ".join([phrases[0], *(text.replace(" are right", "") for text in phrases[1:])])
        if not self.clear:
            both = "both" if len(self.rates) == 2 else "all"
            return f"{self.emotion}: {rates}; no clear difference, so {both} count 1."
        better = [(name, weight) for name, weight in self.weights.items() if weight > 1]
        counts = " and ".join(f"the {name} count {weight:.2f} times" for name, weight in better)
        return f"{self.emotion}: {rates}; so {counts} as much."


def _weight(rate: SuccessRate, worst: SuccessRate) -> float:
    if rate.low <= worst.high:
        return 1.0
    return round(min(rate.rate / worst.rate, MAX_RATIO), 3) if worst.rate > 0 else MAX_RATIO


def weigh(labels: npt.NDArray[np.int64], predictions: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The weights that follow from predictions, float32 (regions, n, classes); (regions, classes)."""
    predicted = predictions.argmax(axis=2)
    columns = []
    for index in range(predictions.shape[2]):
        rates = _rates(labels, predicted, index)
        worst = min(rates, key=lambda rate: rate.rate)
        columns.append([_weight(rate, worst) for rate in rates])
    return np.array(columns, dtype=np.float32).T


def _rates(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], index: int) -> list[SuccessRate]:
    """Each model's on one class."""
    chosen = labels == index
    right = (predicted[:, chosen] == index).sum(axis=1).tolist()
    return [SuccessRate.of(hits, int(chosen.sum())) for hits in right]


def derive(
    labels: npt.NDArray[np.int64], predictions: npt.NDArray[np.float32], schema: Schema = SHIPPED
) -> tuple[EmotionWeight, ...]:
    """Success rates and weights from predictions on faces that no model learnt from.

    Args:
        labels: int64 (n,).
        predictions: float32 (regions, n, classes), each model's probabilities.
        schema: which regions and classes these are.
    """
    predicted = predictions.argmax(axis=2)
    return tuple(
        EmotionWeight(name, dict(zip(schema.regions.names, _rates(labels, predicted, index), strict=True)))
        for index, name in enumerate(schema.classes)
    )
