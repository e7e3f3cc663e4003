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

# A short burst, as after a hiccup of the network, is not lost; what is older than that is stale.
_CAPACITY = 4


class ConnectionLostError(Exception):
    """The connection is not there (any more). Its text is the reason, in a few words."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a feed gives.

    Attributes:
        captured_at: `time.monotonic()` when it was there, before it was decoded.
        image: uint8 (height, width, 3), BGR, upright.
    """

    captured_at: float
    image: Image


class Reader(Protocol):
    """An open camera or stream. It knows no threads: a link calls it from one, and only one."""

    @property
    def rate(self) -> Fraction:
        """Pictures a second, on average, as far as the device or the sender says so."""

    @property
    def paced(self) -> bool:
        """Whether it could be read faster than in real time, and keeps the pace by itself."""

    def read(self) -> Picture | None:
        """Wait for the next picture; None at the end. Raises ConnectionLostError when there will be none."""

    def close(self) -> None:
        """Let the device or the stream go."""


Connect: TypeAlias = Callable[[threading.Event], Reader]
"""Opens a feed, or raises ConnectionLostError. When the event is set nobody waits for it any more."""


class Connection:
    """Opens a feed and reads it in a thread of its own, so that nobody has to wait for ever.

    A native call that hangs cannot be stopped in Python. The thread is then left behind: it is a
    daemon, and closes its feed if it ever wakes.

    Pictures of a feed that keeps no pace of its own push out the oldest that wait; a paced one waits.
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
        """How many pictures were pushed out."""
        return self._pictures.dropped

    def take(self, seconds: float) -> Picture | None:
        """Wait for the next picture.

        Returns:
            None at the end of the feed, or when the link was dropped.

        Raises:
            ConnectionLostError: the feed is lost, or there was no picture for so many seconds.
            Exception: what else the feed raised, the very object, once.
        """
        try:
            pictures = self._pictures.take(timeout=seconds)
        except NothingYetError:
            raise ConnectionLostError(f"no picture for {seconds:g} s") from None
        return pictures.pop() if pictures else None

    def drop(self) -> None:
        """Want no more pictures; whoever waits for one learns it at once."""
        if not self._process.here:
            return
        self._dropped_by_reader.set()
        self._pictures.abort()

    def leave(self, seconds: float) -> None:
        """Drop the link, and wait until its feed is closed, so many seconds at most."""
        self.drop()
        # A forgotten source may be collected in this very thread.
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
    """Holds pictures back until their time has come, as a player does.

    One that is late goes on at once; where all are late by more than `SLACK`, as after a pause, the
    clock is moved, so that the rest is not hurried through. A gap longer than `LONGEST` is shortened
    to nothing: else a jump of the timestamps would look like a source that hangs.
    """

    SLACK = 0.5
    LONGEST = 2.0

    def __init__(self, over: threading.Event) -> None:
        self._over = over
        self._start: float | None = None

    @property
    def offset(self) -> float | None:
        """What is added to a picture's time to give its moment; None before the first."""
        return self._start

    def wait(self, seconds: float) -> float:
        """Wait for the moment of a picture at `seconds` of its video; returns that moment."""
        now = time.monotonic()
        if self._start is None or not -self.SLACK < self._start + seconds - now < self.LONGEST:
            self._start = now - seconds
        due = self._start + seconds
        self._over.wait(max(0.0, due - now))
        return due
