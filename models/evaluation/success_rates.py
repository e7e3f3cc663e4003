"""The source's rule: what eyes and lips count, from how often each is right on each emotion.

The rule of the student project that this program goes back to: where one model is clearly the
better one on an emotion, its vote counts more by the ratio of the two success rates; where they
differ little, both count 1. "Clearly" means here that the rates' 95% intervals do not overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.classes import EMOTIONS
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
    """One emotion's success rates and the weights that follow."""

    emotion: str
    eyes: SuccessRate
    lips: SuccessRate

    @property
    def clear(self) -> bool:
        """Whether one model is clearly better: the intervals do not overlap."""
        return self.eyes.low > self.lips.high or self.lips.low > self.eyes.high

    @property
    def weights(self) -> tuple[float, float]:
        """What the eyes' and the lips' vote on this emotion count, `MAX_RATIO` at most."""
        if not self.clear:
            return 1.0, 1.0
        better, worse = max(self.eyes.rate, self.lips.rate), min(self.eyes.rate, self.lips.rate)
        ratio = round(min(better / worse, MAX_RATIO), 3) if worse > 0 else MAX_RATIO
        return (ratio, 1.0) if self.eyes.rate > self.lips.rate else (1.0, ratio)

    def in_words(self) -> str:
        """The reason for the weights, as a sentence."""
        rates = f"the eyes are right on {self.eyes.rate:.0%}, the lips on {self.lips.rate:.0%}"
        if not self.clear:
            return f"{self.emotion}: {rates}; no clear difference, so both count 1."
        better = "eyes" if self.eyes.rate > self.lips.rate else "lips"
        return f"{self.emotion}: {rates}; so the {better} count {max(self.weights):.2f} times as much."


def derive(
    labels: npt.NDArray[np.int64], eyes: npt.NDArray[np.float32], lips: npt.NDArray[np.float32]
) -> tuple[EmotionWeight, ...]:
    """Success rates and weights from predictions on faces that no model learnt from.

    Args:
        labels: int64 (n,).
        eyes, lips: float32 (n, 6), each model's probabilities.
    """
    rows = []
    for index, emotion in enumerate(EMOTIONS):
        chosen = labels == index
        rates = [
            SuccessRate.of(int((opinion[chosen].argmax(axis=1) == index).sum()), int(chosen.sum()))
            for opinion in (eyes, lips)
        ]
        rows.append(EmotionWeight(emotion, *rates))
    return tuple(rows)


def table(rows: Sequence[EmotionWeight]) -> npt.NDArray[np.float32]:
    """The weights as float32 (2, 6): eyes and lips."""
    return np.array([row.weights for row in rows], dtype=np.float32).T
