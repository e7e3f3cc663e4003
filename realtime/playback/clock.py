"""The position in a video that is played, which the threads of pictures and of sound read."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockState:
    """One look at a clock: all of the same moment.

    Attributes:
        position: seconds in the video.
        running: whether it goes on by itself.
        speed: seconds of the video in a second.
    """

    position: float
    running: bool
    speed: float


@dataclass(frozen=True, slots=True)
class _Set:
    """How a clock was set: where it was, since when it runs (None: it stands), and how fast."""

    position: float
    since: float | None
    speed: float


class PlayClock:
    """Where in the video it is now. One thread sets it, any may read it.

    Args:
        now: seconds on a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # Replaced as a whole, so that whoever reads never sees half of a change.
        self._set = _Set(0.0, None, 1.0)

    @property
    def state(self) -> ClockState:
        """Position, running and speed at this moment."""
        one = self._set
        gone = 0.0 if one.since is None else one.speed * (self._now() - one.since)
        return ClockState(one.position + gone, one.since is not None, one.speed)

    @property
    def position(self) -> float:
        """Seconds in the video."""
        return self.state.position

    @property
    def running(self) -> bool:
        """Whether it goes on by itself."""
        return self._set.since is not None

    @property
    def speed(self) -> float:
        """Seconds of the video in a second."""
        return self._set.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._set = _Set(self.position, self._now() if self.running else None, speed)

    def set(self, position: float) -> None:
        """Go to a place; it goes on from there if it was running."""
        self._set = _Set(position, self._now() if self.running else None, self.speed)

    def stop(self) -> None:
        """Stand still."""
        self._set = _Set(self.position, None, self.speed)

    def start(self) -> None:
        """Go on."""
        if not self.running:
            self._set = _Set(self._set.position, self._now(), self.speed)
