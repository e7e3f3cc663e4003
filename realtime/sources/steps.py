"""Which pictures of a video are analysed, where one in a while is enough."""

import math

# Times of files are rounded: a picture so little early is on time.
_TINY = 1e-6


class Steps:
    """Takes the first picture of each step of time, counted from the first picture of all.

    Args:
        seconds: the length of a step; None: every picture.
    """

    def __init__(self, seconds: float | None) -> None:
        self._step = seconds
        self._first: float | None = None
        self._number = -1

    def take(self, seconds: float) -> bool:
        """Whether the picture of this time is wanted; times do not go back."""
        if self._step is None:
            return True
        if self._first is None:
            self._first = seconds
        number = math.floor((seconds - self._first + _TINY) / self._step)
        wanted = number > self._number
        self._number = max(number, self._number)
        return wanted
