"""A live stream: every picture is shown at once, with the newest results of its faces.

::

    source --tee--newest few--> consumers of pictures (a window, a recording)
            |                       ^ the last result, moved to the picture
            +--newest--> faces --> classify --> results (timelines, events)

Neither branch waits for the other. If the models are too slow, pictures are dropped before them, never
after.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import cv2

from emotion.models.closeable import Closeable
from emotion.models.cores import few_cores
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.monitoring.histogram import Latencies
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.channel import Channel, NothingYetError, Policy
from emotion.realtime.pipeline.collector import Collector
from emotion.realtime.pipeline.latest import LatestValue
from emotion.realtime.pipeline.stage import Step
from emotion.realtime.pipeline.tee import Tee
from emotion.realtime.playback.interpolation import BoxTracker, between
from emotion.realtime.playback.result_index import IndexedResult, ResultIndex
from emotion.realtime.session import NewestFrame, Session

DISPLAY = "display"
"""The name of the branch to the screen in metrics; `dropped` are pictures that were not shown."""

# Length of the screen's queue, to compensate for short delays.
_SCREEN_QUEUE = 3
# Maximum age of a result that is shown.
_STALE_SECONDS = 3.0
# Maximum number of pictures that wait for their results.
_MOST_HELD = 90
_POLL_SECONDS = 0.005
# Timeout for the models at the end.
_PATIENCE_SECONDS = 5.0
# Python's switch interval between threads.
_SWITCH_SECONDS = 0.0005


@contextmanager
def prompt_threads() -> Iterator[None]:
    """Reduce a picture's waiting for threads: for computations in Python, and for OpenCV's own threads.

    With few cores, OpenCV's threads wait for a core for milliseconds, and their work takes less than one.
    """
    usual, helpers = sys.getswitchinterval(), cv2.getNumThreads()
    sys.setswitchinterval(_SWITCH_SECONDS)
    if few_cores():
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
        cv2.setNumThreads(helpers)


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """A picture to show.

    Attributes:
        result: the picture, and the results of its faces, each moved to its position.
        age: seconds since the analysed picture was captured; None if there is no result.
        changed: a message about a new level of load shedding; empty if it is unchanged.
    """

    result: EmotionFrame
    age: float | None
    changed: str = ""


class Live(Closeable):
    """Analyses a live source and shows it at the same time; iterate over it for pictures to show.

    It starts in the constructor. Leave its `with` block or call `close` to stop it; the end of
    the source and an error do so too, after all results that precede them.

    Args:
        source: an iterable, as for `Pipeline`; pictures arrive as they are captured.
        stages: of the analysis, one result per picture.
        policy: sheds load to bound the latency; its stages use it, too. By default all pictures are analysed
            for which there is time.
        hold: give no picture before its faces are known, at the cost of the models' latency. Then
            no face is shown that was not analysed.
        on_result: called with each result of the models, in its own thread; its exceptions
            end the run. It should not take long.
        metrics: accumulates the metrics of the stages.

    Attributes:
        hold: as above; may be changed by the consumer of pictures.
        latencies: from capture to result.
    """

    def __init__(
        self,
        source: Iterable[VideoFrame],
        stages: Sequence[Step],
        *,
        policy: NewestFrame | None = None,
        hold: bool = False,
        on_result: Callable[[EmotionFrame], None] = lambda result: None,
        metrics: Metrics | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self.latencies = Latencies()
        self.hold = hold
        self._on_result = on_result
        policy = policy or NewestFrame()
        self._load_shedder = policy.load_shedder
        self._saving = self._load_shedder.saving
        self._mover = BoxTracker()
        self._newest: LatestValue[EmotionFrame] = LatestValue()
        self._known = ResultIndex(reach=inf, most=_MOST_HELD)
        self._held: deque[VideoFrame] = deque()
        self._changed = ""
        self._pictures: Channel[VideoFrame] = Channel(_SCREEN_QUEUE, Policy.DROP_OLDEST)
        session = Session(
            Tee(source, self._to_screen, self._pictures.close),
            policy=policy,
            stages=stages,
            observer=self.metrics,
        )
        self.metrics.begin([DISPLAY])
        self._session = session
        self._collector = Collector(session, self._note)

    def __iter__(self) -> Iterator[LiveFrame]:
        return self

    def __next__(self) -> LiveFrame:
        return self.take()

    def take(self, timeout: float | None = None) -> LiveFrame:
        """The next picture to show.

        Args:
            timeout: maximum seconds to wait; None: no limit.

        Raises:
            NothingYetError: timeout; the stream continues.
            StopIteration: the source has ended, and all of its results were given.
            BaseException: an exception of the source or a stage.
        """
        return self._take_held(timeout) if self.hold else self._take_newest(timeout)

    def close(self) -> None:
        """Stop everything and wait for its threads, some seconds at most. May be called again."""
        self._session.close()
        self._pictures.abort()
        self._collector.join(_PATIENCE_SECONDS)

    def report(self) -> dict[str, Any]:
        """The metrics so far, ready for JSON: stages, drops, and latencies in milliseconds."""
        snapshot = self.metrics.snapshot()
        stages = [asdict(stage) | {"mean_batch": stage.mean_batch} for stage in snapshot.stages]
        return {
            "seconds": snapshot.seconds,
            "stages": stages,
            "capture_to_result_ms": asdict(self.latencies.distribution()),
            "left_out": self._load_shedder.saving.sentence(),
        }

    def _take_newest(self, timeout: float | None) -> LiveFrame:
        self._held.clear()
        frame = self._next_picture(timeout)
        newest = self._newest.newest
        if newest is None or frame.captured_at - newest.frame.captured_at > _STALE_SECONDS:
            return self._give(EmotionFrame(frame, ()), None)
        return self._give(self._mover.move(newest, frame), newest.frame.captured_at)

    def _take_held(self, timeout: float | None) -> LiveFrame:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._held and self._known_at(self._held[0]):
                return self._release()
            try:
                self._held.append(self._next_picture(_POLL_SECONDS))
            except NothingYetError:
                if deadline is not None and time.monotonic() >= deadline:
                    raise
            except StopIteration:
                # All results have arrived. Pictures that were not analysed are not shown.
                while self._held and not self._known_at(self._held[0]):
                    self._held.popleft()
                if not self._held:
                    raise
            if len(self._held) > _MOST_HELD:
                self._held.popleft()
                self.metrics.record(DISPLAY, dropped=1)

    def _known_at(self, frame: VideoFrame) -> bool:
        newest = self._newest.newest
        return newest is not None and newest.frame.index >= frame.index

    def _release(self) -> LiveFrame:
        frame = self._held.popleft()
        before, after = self._known.around(frame.seconds)
        of = before or after
        return self._give(between(before, after, frame), None if of is None else of.captured_at)

    def _next_picture(self, timeout: float | None) -> VideoFrame:
        self._raise_failure()
        pictures = self._pictures.take(timeout=timeout)
        if not pictures:
            # The source has ended. Pictures in the pipeline come first.
            self._collector.join(_PATIENCE_SECONDS)
            self._raise_failure()
            raise StopIteration
        return pictures.pop()

    def _raise_failure(self) -> None:
        try:
            self._collector.raise_failure()
        except BaseException:
            self.close()
            raise

    def _give(self, result: EmotionFrame, captured_at: float | None) -> LiveFrame:
        age = None if captured_at is None else max(0.0, time.monotonic() - captured_at)
        changed, self._changed = self._changed, ""
        return LiveFrame(result, age, changed)

    def _to_screen(self, frame: VideoFrame) -> None:
        dropped = self._pictures.dropped
        self._pictures.put(frame)
        dropped = self._pictures.dropped - dropped
        self.metrics.record(DISPLAY, given=1 - dropped, dropped=dropped)

    def _note(self, result: EmotionFrame) -> None:
        self.latencies.add(time.monotonic() - result.frame.captured_at)
        saving = self._load_shedder.saving
        if saving != self._saving:
            self._saving, self._changed = saving, saving.sentence()
        self._known.add(IndexedResult.of(result))
        # Last, so that a reader who sees that a picture is known finds its result.
        self._newest.put(result)
        self._on_result(result)
