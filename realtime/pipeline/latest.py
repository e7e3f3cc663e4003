"""Hands over the newest item: to one reader, who takes it, or to many, who read it."""

from threading import Condition, Lock
from typing import Generic, TypeVar

from emotion.realtime.pipeline.channel import Channel, Policy

T = TypeVar("T")


class LatestSlot(Channel[T]):
    """A channel for one item: a newer item replaces one that waits.

    A queue before a busy stage adds as much latency as the stage itself. With two items in flight, each of
    two stages always has work, and no item waits between them.

    Args:
        in_flight: the most items in work, that is between `take` and `done`; None: no limit.
        every: only one of this number of items is a candidate; the others are dropped at once.

    Attributes:
        in_flight, every: see above; may be changed at any time, for the next items.
    """

    def __init__(self, in_flight: int | None = None, every: int = 1) -> None:
        super().__init__(1, Policy.DROP_OLDEST)
        self.in_flight = in_flight
        self.every = every
        self._offered = 0
        self._in_work = 0

    def put(self, item: T, policy: Policy | None = None) -> bool:
        """Add an item, which replaces one that waits. Never blocks."""
        with self._lock:
            candidate = self._offered % self.every == 0
            self._offered += 1
            if not candidate and not self._over:
                self._dropped += 1
                return True
        return super().put(item)

    def done(self) -> None:
        """The work on an item has ended."""
        with self._lock:
            self._in_work -= 1
            self._readable.notify_all()

    def wait_until_idle(self) -> None:
        """Wait until no item is in work, or the next can be taken, so that no work on items is slowed."""
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
    """The newest value, for any number of reading threads; it stays until a newer one comes."""

    def __init__(self) -> None:
        # Entered as a plain lock, as in `emotion.realtime.pipeline.channel`.
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self._value: T | None = None
        self._number = 0
        self._over = False

    @property
    def newest(self) -> T | None:
        """The newest value; None before the first."""
        return self._value

    def put(self, value: T) -> None:
        """Replace the value by a newer one."""
        with self._lock:
            self._value = value
            self._number += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End: threads that wait for a newer value get None."""
        with self._lock:
            self._over = True
            self._changed.notify_all()

    def after(self, number: int) -> tuple[int, T] | None:
        """Wait for a value that is newer than the one with this number.

        Args:
            number: from an earlier call; 0: any value.

        Returns:
            The newest value and its number; None at the end.
        """
        with self._lock:
            while self._number <= number and not self._over:
                self._changed.wait()
            if self._over or self._value is None:
                return None
            return self._number, self._value
