"""Probabilities smoothed over time, for each person alone."""

import math

import numpy as np

from emotion.realtime.messages import Probabilities


class Smoother:
    """Exponential smoothing of one person's probabilities, by time and not by frames.

    A new value counts 1 - exp(-dt / tau), so dropped frames and other frame rates change nothing.

    Args:
        tau: seconds after which a change is 63% there; 0: no smoothing.
        classes: how many there are.
    """

    def __init__(self, tau: float, classes: int) -> None:
        if tau < 0:
            raise ValueError(f"tau is in seconds and not negative, not {tau}")
        self._tau = tau
        self._unknown = np.full(classes, 1 / classes, dtype=np.float32)
        self._last: tuple[float, Probabilities] | None = None

    def update(self, seconds: float, vote: Probabilities | None) -> Probabilities:
        """The smoothed probabilities; where there is no vote, what they were last.

        Args:
            seconds: the frame's time, which does not go back.
            vote: float32 (classes,), or None where nothing was seen.
        """
        if vote is None:
            return self._last[1] if self._last else self._unknown
        probabilities = vote
        if self._last is not None:
            probabilities = self._blend(self._last[1], vote, seconds - self._last[0])
        self._last = (seconds, probabilities)
        return probabilities

    def _blend(self, old: Probabilities, new: Probabilities, dt: float) -> Probabilities:
        share = 1 - math.exp(-dt / self._tau) if self._tau else 1.0
        return np.asarray(old + share * (new - old), dtype=np.float32)
