"""Selects the pictures to analyse at intervals (`--every`)."""

import math

# Tolerance, since times of files are rounded.
_TINY = 1e-6


class Steps:
    """Selects the first picture of each interval, counted from the first picture of all.

    Args:
        seconds: length of an interval; None: every picture.
    """

    def __init__(self, seconds: float | None) -> None:
        self._step = seconds
        self._first: float | None = None
        self._number = -1

    def take(self, seconds: float) -> bool:
        """Whether the picture of this time is selected; times never decrease."""
        if self._step is None:
            return True
        if self._first is None:
            self._first = seconds
        number = math.floor((seconds - self._first + _TINY) / self._step)
        wanted = number > self._number
        self._number = max(number, self._number)
        return wanted
