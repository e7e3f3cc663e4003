"""The playback position in a video, shared by the threads of pictures and of sound."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockState:
    """A consistent reading of a clock.

    Attributes:
        position: seconds in the video.
        running: whether it is not paused.
        speed: seconds of the video per second.
    """

    position: float
    running: bool
    speed: float


@dataclass(frozen=True, slots=True)
class _Set:
    """The state of a clock: its position, since when it runs (None: paused), and its speed."""

    position: float
    since: float | None
    speed: float


class PlayClock:
    """The playback position. One thread sets it, any may read it.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # Replaced atomically, so that readers never see a partial change.
        self._set = _Set(0.0, None, 1.0)

    @property
    def state(self) -> ClockState:
        """The present position, state and speed."""
        one = self._set
        gone = 0.0 if one.since is None else one.speed * (self._now() - one.since)
        return ClockState(one.position + gone, one.since is not None, one.speed)

    @property
    def position(self) -> float:
        """Seconds in the video."""
        return self.state.position

    @property
    def running(self) -> bool:
        """Whether it is not paused."""
        return self._set.since is not None

    @property
    def speed(self) -> float:
        """Seconds of the video per second."""
        return self._set.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._set = _Set(self.position, self._now() if self.running else None, speed)

    def set(self, position: float) -> None:
        """Seek to a position; it continues from there if it was running."""
        self._set = _Set(position, self._now() if self.running else None, self.speed)

    def stop(self) -> None:
        """Pause."""
        self._set = _Set(self.position, None, self.speed)

    def start(self) -> None:
        """Continue."""
        if not self.running:
            self._set = _Set(self._set.position, self._now(), self.speed)
