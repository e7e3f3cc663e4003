"""Handing over the newest item: to one reader who takes it, or to many who look at it."""

from threading import Condition, Lock
from typing import Generic, TypeVar

from emotion.realtime.pipeline.channel import Channel, Policy

T = TypeVar("T")


class LatestSlot(Channel[T]):
    """A channel with one place: a newer item takes that of one which nobody has taken yet.

    A queue before a busy stage costs as much latency as the stage itself. With two items in flight for
    two stages each has always something to do, and none grows old in between.

    Args:
        in_flight: the most items that are in work, which is from `take` to `done`; None: no limit.
        every: of so many items put, one is a candidate; the others are dropped at once.

    Attributes:
        in_flight, every: as above; may be changed at any time, and hold from the next item on.
    """

    def __init__(self, in_flight: int | None = None, every: int = 1) -> None:
        super().__init__(1, Policy.DROP_OLDEST)
        self.in_flight = in_flight
        self.every = every
        self._offered = 0
        self._in_work = 0

    def put(self, item: T, policy: Policy | None = None) -> bool:
        """Make an item the candidate, in the place of one that still waits. Never waits itself."""
        with self._lock:
            candidate = self._offered % self.every == 0
            self._offered += 1
            if not candidate and not self._over:
                self._dropped += 1
                return True
        return super().put(item)

    def done(self) -> None:
        """The work on an item taken before has ended."""
        with self._lock:
            self._in_work -= 1
            self._readable.notify_all()

    def wait_until_idle(self) -> None:
        """Wait until nothing is in work, or an item can be taken: what is in work may be slowed by others."""
        with self._lock:
            while self._in_work > 0 and not self._over and not self._ready(1):
                self._readable.wait()

    def _ready(self, enough: int) -> bool:
        if not self._items:
            return self._over
        return self.in_flight is None or self._in_work < self.in_flight

    def _took(self, count: int) -> None:
        self._in_work += count


class LatestValue(Generic[T]):
    """The newest of something, which any number of threads look at; it stays until a newer one comes."""

    def __init__(self) -> None:
        # Entered as a plain lock, as in `emotion.realtime.pipeline.channel`.
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self._value: T | None = None
        self._number = 0
        self._over = False

    @property
    def newest(self) -> T | None:
        """What was put last; None before the first."""
        return self._value

    def put(self, value: T) -> None:
        """Take the next one; the one before is forgotten."""
        with self._lock:
            self._value = value
            self._number += 1
            self._changed.notify_all()

    def close(self) -> None:
        """There will be no more; whoever waits for a newer one sees the end."""
        with self._lock:
            self._over = True
            self._changed.notify_all()

    def after(self, number: int) -> tuple[int, T] | None:
        """Wait for a value that was put later than the one of this number.

        Args:
            number: as given here before; 0: any will do.

        Returns:
            The newest value and its number; None at the end.
        """
        with self._lock:
            while self._number <= number and not self._over:
                self._changed.wait()
            if self._over or self._value is None:
                return None
            return self._number, self._value
