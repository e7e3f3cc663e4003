"""The vote's weights from how often each model is right on each emotion.

The rule of the student project that this program goes back to: where one model is clearly the
better one on an emotion, its vote counts more by the ratio of the two success rates; where they
differ little, both count 1. "Clearly" means here that the rates' 95% intervals do not overlap.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS
from models.vote import FORMAT

_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class SuccessRate:
    """A model's recall on one emotion, with its 95% interval; all in [0, 1]."""

    rate: float
    low: float
    high: float
    faces: int

    @classmethod
    def of(cls, right: int, faces: int) -> "SuccessRate":
        """From counts, with the score interval of Wilson (1927), which holds for small counts."""
        if faces == 0:
            return cls(0.0, 0.0, 1.0, 0)
        rate, z2 = right / faces, _Z95**2
        middle = (rate + z2 / (2 * faces)) / (1 + z2 / faces)
        half = _Z95 / (1 + z2 / faces) * (rate * (1 - rate) / faces + z2 / (4 * faces**2)) ** 0.5
        return cls(rate, max(0.0, middle - half), min(1.0, middle + half), faces)


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
        """What the eyes' and the lips' vote on this emotion count."""
        if not self.clear:
            return 1.0, 1.0
        eyes, lips = max(self.eyes.rate, 0.01), max(self.lips.rate, 0.01)
        return (round(eyes / lips, 3), 1.0) if eyes > lips else (1.0, round(lips / eyes, 3))

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


def save(folder: Path, rows: tuple[EmotionWeight, ...], about: dict[str, Any]) -> Path:
    """Write ``weights.json`` into a model folder."""
    path = folder / "weights.json"
    values = about | {
        "format": FORMAT,
        "rule": "ratio of the success rates where their 95% intervals do not overlap, else 1",
        "classes": list(EMOTIONS),
        "weights": {
            "eyes": {row.emotion: row.weights[0] for row in rows},
            "lips": {row.emotion: row.weights[1] for row in rows},
        },
        "success_rates": {row.emotion: {"eyes": asdict(row.eyes), "lips": asdict(row.lips)} for row in rows},
    }
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return path


def read(folder: Path) -> tuple[EmotionWeight, ...]:
    """The rows of a ``weights.json`` that `models.vote.VoteWeights.read` accepts."""
    rates = json.loads((folder / "weights.json").read_text(encoding="utf-8"))["success_rates"]
    return tuple(
        EmotionWeight(name, SuccessRate(**rates[name]["eyes"]), SuccessRate(**rates[name]["lips"]))
        for name in EMOTIONS
    )
