"""A bounded queue between two threads, which ends like a Unix pipe.

The writer closes the channel: waiting items are still read, followed by the error or the end. The reader
aborts it: waiting items are dropped, and `put` returns False. Neither needs a time-out, but
the reader may set one.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum
from threading import Condition, Lock
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class NothingYetError(TimeoutError):
    """No item came within the reader's time limit."""


class Policy(Enum):
    """What a full channel does with another item."""

    WAIT = "wait"
    DROP_OLDEST = "drop the oldest"


class Channel(Generic[T]):
    """A first-in, first-out queue of at most `capacity` items.

    Args:
        capacity: the most items that wait, from 0: then an item is taken only when a reader waits for it.
        policy: what `put` does when the channel is full.

    Raises:
        ValueError: the capacity is less than 0, or less than 1 where items are dropped.
    """

    def __init__(self, capacity: int, policy: Policy = Policy.WAIT) -> None:
        if capacity < (policy is Policy.DROP_OLDEST):
            raise ValueError(f"a channel cannot hold {capacity} items")
        self._capacity = capacity
        self._policy = policy
        # Entered as a plain lock, never through a Condition, which Ctrl-C could leave locked.
        self._lock = Lock()
        self._readable = Condition(self._lock)
        self._writable = Condition(self._lock)
        self._items: deque[T] = deque()
        # How many items a reader waits for: there is room for so many, also beyond the capacity.
        self._wanted = 0
        self._over = False
        self._error: BaseException | None = None
        self._dropped = 0

    @property
    def policy(self) -> Policy:
        """What `put` does when the channel is full."""
        return self._policy

    @property
    def capacity(self) -> int:
        """The most items that wait while no reader does."""
        return self._capacity

    @property
    def over(self) -> bool:
        """Whether the channel is closed or aborted, so that `put` takes nothing more."""
        return self._over

    @property
    def dropped(self) -> int:
        """How many items `Policy.DROP_OLDEST` has thrown away so far."""
        return self._dropped

    def put(self, item: T, policy: Policy | None = None) -> bool:
        """Append an item; under `Policy.WAIT`, wait for room.

        Args:
            item: what to append.
            policy: for this item; by default the channel's own.

        Returns:
            False if the channel is closed or aborted: neither this nor any later item is taken.
        """
        policy = policy or self._policy
        with self._lock:
            while self._full and policy is Policy.WAIT and not self._over:
                self._writable.wait()
            if self._over:
                return False
            if self._full:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._readable.notify()
            return True

    def take(self, limit: int = 1, timeout: float | None = None, least: int = 1) -> list[T]:
        """Wait for an item, then take all that wait, up to `limit`, in order.

        Args:
            limit: the most items.
            timeout: the most seconds to wait; None: no limit.
            least: wait for so many items; only at the end there are fewer.

        Returns:
            An empty list at the end.

        Raises:
            NothingYetError: no item came in time; the channel is unchanged.
            BaseException: the object that `close` was given, once, after the last item.
        """
        deadline = None if timeout is None else monotonic() + timeout
        with self._lock:
            self._wait_for(least, deadline)
            batch = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
            self._took(len(batch))
            self._writable.notify(len(batch))
            if batch or self._error is None:
                return batch
            error, self._error = self._error, None
        try:
            raise error
        finally:
            # The error's traceback refers to this frame: a local name for it would be a reference cycle.
            del error

    def wait_until_idle(self) -> None:
        """Wait until there is time for work on which no result waits: here at once, see `LatestSlot`."""

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items until the end; raises the error that `close` was given."""
        while batch := self.take():
            # Removed from the batch, so that this frame holds no reference while the reader works on the
            # item.
            yield batch.pop()

    def clear(self) -> None:
        """Drop the waiting items; the channel stays open."""
        with self._lock:
            _abandoned, self._items = self._items, deque()
            self._writable.notify_all()

    def close(self, error: BaseException | None = None) -> bool:
        """Take no more items; the reader gets those that wait, then `error` or the end.

        Returns:
            False if the channel was closed or aborted already: then `error` is not raised anywhere.
        """
        with self._lock:
            if self._over:
                return False
            self._over = True
            self._error = error
            self._wake_all()
            return True

    def abort(self) -> None:
        """Drop the waiting items, and a waiting error; both sides see the end at once."""
        with self._lock:
            self._over = True
            self._error = None
            # Kept to the end of the call, so that freeing pictures does not hold the lock.
            _abandoned, self._items = self._items, deque()
            self._wake_all()

    def _wait_for(self, enough: int, deadline: float | None) -> None:
        """Wait until a reader may take items. Called with the lock held."""
        try:
            while not self._ready(enough):
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    raise NothingYetError("nothing came in time")
                if self._wanted < enough:
                    self._wanted = enough
                    self._writable.notify_all()
                self._readable.wait(left)
        finally:
            self._wanted = 0

    def _ready(self, enough: int) -> bool:
        """Whether there are enough items for a reader. Called with the lock held."""
        return self._over or len(self._items) >= enough

    def _took(self, count: int) -> None:
        """Note that a reader has taken this number of items. Called with the lock held."""

    @property
    def _full(self) -> bool:
        return len(self._items) >= max(self._capacity, self._wanted)

    def _wake_all(self) -> None:
        self._readable.notify_all()
        self._writable.notify_all()
