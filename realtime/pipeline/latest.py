"""Which pictures of a live stream are analysed: the newest, whenever the models have room."""

from collections.abc import Iterator
from threading import Condition, Lock

from emotion.realtime.messages import VideoFrame
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.pipeline.pipeline import SOURCE


class LatestFrameSlot:
    """The newest picture for whoever iterates, while no more than `in_flight` are in work.

    A queue before a busy stage costs as much latency as the stage itself. With two in flight for two
    stages each has always something to do, and no picture grows old in between.

    As a pipeline's source it gives what is offered from another thread, and drops what it is too
    late for. `done` is to be called for each picture whose result is there.

    Args:
        in_flight: the most pictures in work.
        every: of this many pictures offered, one is a candidate.
        observer: hears of what is dropped, as of the stage `emotion.realtime.pipeline.pipeline.SOURCE`.
    """

    def __init__(self, in_flight: int = 2, every: int = 1, observer: Observer = SILENT) -> None:
        self.in_flight = in_flight
        self.every = every
        self._observer = observer
        # Entered as a plain lock, as in `emotion.realtime.pipeline.channel`.
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self._newest: VideoFrame | None = None
        self._offered = 0
        self._in_work = 0
        self._over = False

    def offer(self, frame: VideoFrame) -> None:
        """Make a picture the candidate; one that still waits is dropped. Never waits."""
        with self._lock:
            candidate = self._offered % self.every == 0
            self._offered += 1
            dropped = not candidate or self._newest is not None
            if candidate:
                self._newest = frame
                self._changed.notify_all()
        if dropped:
            self._observer.record(SOURCE, dropped=1)

    def done(self) -> None:
        """A picture's result is there."""
        with self._lock:
            self._in_work -= 1
            self._changed.notify_all()

    def end(self) -> None:
        """There will be no more; what waits is still given."""
        with self._lock:
            self._over = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Nobody wants more: whoever waits sees the end at once."""
        with self._lock:
            self._over, self._newest = True, None
            self._changed.notify_all()

    def __iter__(self) -> Iterator[VideoFrame]:
        while (frame := self._take()) is not None:
            yield frame

    def _take(self) -> VideoFrame | None:
        with self._lock:
            while not self._ready:
                self._changed.wait()
            frame, self._newest = self._newest, None
            self._in_work += frame is not None
            return frame

    @property
    def _ready(self) -> bool:
        if self._newest is None:
            return self._over
        return self._in_work < self.in_flight
