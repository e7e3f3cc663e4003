"""One connection to a camera or a stream, read in a thread that can be abandoned."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeAlias

from emotion.models.native.at_exit import Process
from emotion.models.regions import Image
from emotion.realtime.pipeline.channel import Channel, NothingYetError, Policy

# A short burst, as after a network delay, is kept; older pictures are dropped.
_CAPACITY = 4


class ConnectionLostError(Exception):
    """There is no connection (any more). The message is the reason, in a few words."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of a feed.

    Attributes:
        captured_at: `time.monotonic()` at its arrival, before it was decoded.
        image: uint8 (height, width, 3), BGR, upright.
    """

    captured_at: float
    image: Image


class Reader(Protocol):
    """An open camera or stream. It is not thread-safe: a link uses it in one thread."""

    @property
    def rate(self) -> Fraction:
        """The mean frame rate, if the device or the sender reports it."""

    @property
    def paced(self) -> bool:
        """Whether it could be read faster than in real time, and paces itself."""

    def read(self) -> Picture | None:
        """Wait for the next picture; None at the end. Raises ConnectionLostError if it is lost."""

    def close(self) -> None:
        """Close the device or the stream."""


Connect: TypeAlias = Callable[[threading.Event], Reader]
"""Opens a feed, or raises ConnectionLostError. The event is set to cancel."""


class Connection:
    """Opens a feed and reads it in its own thread, so that a hanging feed does not block.

    A hanging native call cannot be stopped in Python. The thread is then left behind: it is a
    daemon, and closes its feed if it ever continues.

    New pictures of an unpaced feed replace the oldest queued ones; a paced one waits.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._dropped_by_reader = threading.Event()
        self._pictures: Channel[Picture] = Channel(_CAPACITY, Policy.DROP_OLDEST)
        self.rate = Fraction(30)
        self._process = Process()
        self._thread = threading.Thread(target=self._run, name="live-link", daemon=True)
        self._thread.start()

    @property
    def skipped(self) -> int:
        """The number of dropped pictures."""
        return self._pictures.dropped

    def take(self, seconds: float) -> Picture | None:
        """Wait for the next picture.

        Returns:
            None at the end of the feed, or when the link was dropped.

        Raises:
            ConnectionLostError: the feed is lost, or there was no picture for so many seconds.
            Exception: another exception of the feed, once.
        """
        try:
            pictures = self._pictures.take(timeout=seconds)
        except NothingYetError:
            raise ConnectionLostError(f"no picture for {seconds:g} s") from None
        return pictures.pop() if pictures else None

    def drop(self) -> None:
        """Stop; a waiting consumer returns at once."""
        if not self._process.here:
            return
        self._dropped_by_reader.set()
        self._pictures.abort()

    def leave(self, seconds: float) -> None:
        """Drop the link, and wait until its feed is closed, with a timeout in seconds."""
        self.drop()
        # An unclosed source may be garbage-collected in this thread.
        if threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    @property
    def is_dropped(self) -> bool:
        """Whether `drop` was called."""
        return self._dropped_by_reader.is_set()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self._read()
        except Exception as caught:
            error = caught
        self._pictures.close(error)

    def _read(self) -> None:
        feed = self._connect(self._dropped_by_reader)
        try:
            self.rate = feed.rate
            policy = Policy.WAIT if feed.paced else Policy.DROP_OLDEST
            while not self.is_dropped:
                picture = feed.read()
                if picture is None or not self._pictures.put(picture, policy):
                    break
        finally:
            feed.close()


class Pace:
    """Delays pictures until they are due, like a player.

    A late one is passed on at once; if all are late by more than `SLACK`, as after a pause, the
    clock is shifted, so that the rest is not played too fast. A gap longer than `LONGEST` is
    skipped: else a jump of the timestamps would look like a hanging source.
    """

    SLACK = 0.5
    LONGEST = 2.0

    def __init__(self, over: threading.Event) -> None:
        self._over = over
        self._start: float | None = None

    @property
    def offset(self) -> float | None:
        """The offset between a picture's time and the monotonic clock; None before the first."""
        return self._start

    def wait(self, seconds: float) -> float:
        """Wait until a picture at `seconds` of its video is due; returns its monotonic time."""
        now = time.monotonic()
        if self._start is None or not -self.SLACK < self._start + seconds - now < self.LONGEST:
            self._start = now - seconds
        due = self._start + seconds
        self._over.wait(max(0.0, due - now))
        return due
