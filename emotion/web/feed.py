"""Live results for any number of receivers: in order, without waiting for slow ones.

Every receiver has its own queue. A slow one (a hung program, a slow network) loses its oldest queued
results, which are counted; a receiver detects gaps by the numbers of the results.
"""

import asyncio
import contextlib
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from emotion.realtime.messages import EmotionFrame
from emotion.web.analysis import to_values

# At 30 results a second, some eight seconds.
_CAPACITY = 256


class Receiver:
    """The queue of one receiver; made and read in an event loop, filled from any thread.

    Attributes:
        missed: number of results that it lost because it was too slow.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._loop = asyncio.get_running_loop()
        self._capacity = capacity
        self._waiting: deque[str] = deque()
        self._lock = threading.Lock()
        self._ready = asyncio.Event()
        self._over = False
        self.missed = 0

    def put(self, text: str) -> int:
        """Add a result; returns the number of dropped ones."""
        with self._lock:
            lost = len(self._waiting) >= self._capacity
            if lost:
                self._waiting.popleft()
                self.missed += 1
            self._waiting.append(text)
        self._wake()
        return int(lost)

    def end(self) -> None:
        """No more results will come."""
        self._over = True
        self._wake()

    async def take(self, timeout: float) -> list[str] | None:
        """The queued results, oldest first; empty after a timeout, None at the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout)
        self._ready.clear()
        with self._lock:
            taken, self._waiting = list(self._waiting), deque()
        return None if self._over and not taken else taken

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._ready.set)


class Feed:
    """Sends results to all receivers. Thread-safe, except `receiver`, which belongs to an event loop.

    Attributes:
        results: number of results.
        missed: number of results lost by slow receivers, over all receivers.
    """

    def __init__(self) -> None:
        self._receivers: tuple[Receiver, ...] = ()
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._newest: dict[str, Any] | None = None
        self._over = False
        self.results = 0
        self.missed = 0

    def __len__(self) -> int:
        return len(self._receivers)

    def publish(self, result: EmotionFrame, camera: int = 0) -> None:
        """Send a result; never waits."""
        with self._lock:
            self.results += 1
            self._newest = as_message(result, next(self._numbers), camera)
            if self._receivers:
                text = json.dumps(self._newest, separators=(",", ":"))
                self.missed += sum(receiver.put(text) for receiver in self._receivers)

    @property
    def newest(self) -> dict[str, Any] | None:
        """The last result; None before the first."""
        return self._newest

    @contextlib.contextmanager
    def receiver(self) -> Iterator[Receiver]:
        """A new receiver, from now on."""
        made = Receiver()
        with self._lock:
            self._receivers = (*self._receivers, made)
            if self._over:
                made.end()
        try:
            yield made
        finally:
            with self._lock:
                self._receivers = tuple(one for one in self._receivers if one is not made)

    def close(self) -> None:
        """End all receivers."""
        self._over = True
        for receiver in self._receivers:
            receiver.end()


def as_message(result: EmotionFrame, number: int, camera: int) -> dict[str, Any]:
    """A result for JSON, as `emotion.web.http.schema.LiveResult` describes it."""
    frame = result.frame
    height, width = frame.shape[:2]
    return {
        "number": number,
        "camera": camera,
        "seconds": round(frame.seconds, 6),
        "captured_at": round(time.time() - (time.monotonic() - frame.captured_at), 4),
        "width": width,
        "height": height,
        "emotions": list(result.schema.classes.names),
        "regions": list(result.schema.regions.names),
        "faces": [to_values(face) for face in result.faces],
    }
