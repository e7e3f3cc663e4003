"""Measures people's neutral face at a key press: a countdown, the measurement, the result."""

import time
from collections.abc import Callable
from math import ceil

from emotion.models.words import counted
from emotion.realtime.stages.people import People

COUNTDOWN_SECONDS = 3.0
MEASURED_SECONDS = 2.0
# Extra time for the delay of the models.
_PATIENCE_SECONDS = 2.0


class NeutralFace:
    """Prompts for a neutral face and measures it; one at a time.

    Args:
        people: the stage with the baselines.
        now: a monotonic clock in seconds.
    """

    def __init__(self, people: People, now: Callable[[], float] = time.monotonic) -> None:
        self._people = people
        self._now = now
        self._begun: float | None = None
        self._asked = False

    def begin(self) -> None:
        """Start the countdown, again if it is running."""
        self._begun, self._asked = self._now(), False

    def line(self) -> str:
        """The present message; also advances the state. Call it with every picture."""
        if self._begun is None:
            return ""
        gone = self._now() - self._begun
        if gone < COUNTDOWN_SECONDS:
            return f"a neutral face, please: {ceil(COUNTDOWN_SECONDS - gone)}"
        if not self._asked:
            self._asked = True
            self._people.take_baseline(MEASURED_SECONDS)
        elapsed = gone - COUNTDOWN_SECONDS - MEASURED_SECONDS
        if elapsed < 0:
            return "hold still: your neutral face is being measured"
        if count := self._people.baselines:
            self._begun = self._begun if elapsed < _PATIENCE_SECONDS else None
            return f"neutral face taken of {counted(count, 'person', 'people')}"
        if elapsed < _PATIENCE_SECONDS:
            return "hold still: your neutral face is being measured"
        self._begun = self._begun if elapsed < 2 * _PATIENCE_SECONDS else None
        return "no face was seen for long enough: press b again"
