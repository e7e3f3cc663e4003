"""A live stream: every picture is shown at once, with the newest that is known of its faces.

::

    source --tee--newest few--> whoever takes pictures (a window, a recording)
            |                       ^ the last result, moved to the picture
            +--newest--> faces --> classify --> results (timelines, events)

The two roads are two pipelines, so that neither ever waits for the other. What the models are too
slow for is dropped before them, never behind.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.monitoring.histogram import Latencies
from emotion.realtime.monitoring.metrics import Metrics, Observer
from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.pipeline.latest import LatestFrameSlot
from emotion.realtime.pipeline.pipeline import Pipeline, Step
from emotion.realtime.playback.interpolation import BoxTracker, between
from emotion.realtime.playback.result_index import IndexedResult
from emotion.realtime.stages.load_shedding import LoadShedder

DISPLAY = "display"
"""The name under which metrics tell of the road to the screen; `dropped` are pictures not shown."""

# Pictures that wait for the screen: what it is late with it can make up for.
_SCREEN_QUEUE = 3
# A result older than this is not shown any more.
_STALE_SECONDS = 3.0
# While pictures wait for their results this many are kept at most.
_MOST_HELD = 90
_POLL_SECONDS = 0.005
# At the end the models are waited for, but not for ever.
_PATIENCE_SECONDS = 5.0
# How long a thread may compute in Python before others get their turn.
_SWITCH_SECONDS = 0.0005

_log = logging.getLogger(__name__)


@contextmanager
def quick_switching() -> Iterator[None]:
    """Let threads that are ready wait less for one that computes in Python."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """A picture as it is to be shown.

    Attributes:
        result: the picture, and what is thought of the faces in it, each moved to its place.
        age: seconds since the analysed picture was captured; None where there is no result.
        changed: what is being left out from now on, as a sentence; empty where nothing changed.
    """

    result: EmotionFrame
    age: float | None
    changed: str = ""


class Live:
    """Runs a live source past the models and beside them; iterate over it for pictures to show.

    It works from its construction on. Leave its `with` block or call `close` to stop it; the end of
    the source and an error do so too, after all results that precede them.

    Args:
        source: what to iterate over, as for `Pipeline`; pictures come as fast as they are captured.
        stages: that find faces and read emotions, one result a picture.
        load_shedder: leaves out work so that results come in time; the stages may know it, too. Without
            one all is done that there is time for.
        hold: give no picture before its faces are known, at the price of the models' latency. Then
            nobody is ever seen who was not looked at first.
        on_result: called with each result of the models as it comes, in a thread of its own; what it
            raises ends the run. It should not take long.
        metrics: adds up what the stages do.

    Attributes:
        hold: as above; may be changed by whoever takes pictures.
        latencies: from capture to result.
    """

    def __init__(
        self,
        source: Iterable[VideoFrame],
        stages: Sequence[Step],
        *,
        load_shedder: LoadShedder | None = None,
        hold: bool = False,
        on_result: Callable[[EmotionFrame], None] = lambda result: None,
        metrics: Metrics | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self.latencies = Latencies()
        self._on_result = on_result
        self._load_shedder = load_shedder or LoadShedder(None)
        self._latest_slot = LatestFrameSlot(observer=self.metrics)
        self._mover = BoxTracker()
        self._results = _Results()
        self.hold = hold
        self._held: deque[VideoFrame] = deque()
        self._failure: BaseException | None = None
        self._changed = ""
        self._source = _Tee(source, self._latest_slot)
        self._analysis: Pipeline[EmotionFrame] = Pipeline(
            self._latest_slot, stages, capacity=1, observer=self.metrics
        )
        self._collector = threading.Thread(target=self._collect, name="collect", daemon=True)
        self._collector.start()
        self._pictures: Pipeline[VideoFrame] = Pipeline(
            self._source, [], live=True, capacity=_SCREEN_QUEUE, observer=_Renamed(self.metrics)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[LiveFrame]:
        return self

    def __next__(self) -> LiveFrame:
        return self.take()

    def take(self, timeout: float | None = None) -> LiveFrame:
        """The next picture to show.

        Args:
            timeout: the most seconds to wait; None: as long as it takes.

        Raises:
            NothingYetError: nothing came in time; the stream goes on.
            StopIteration: the source has ended, and all of its results have been given.
            BaseException: what the source or a stage raised.
        """
        return self._take_held(timeout) if self.hold else self._take_newest(timeout)

    def close(self) -> None:
        """Stop everything and wait for its threads, some seconds at most. May be called again."""
        self._pictures.close()
        self._analysis.close()
        if threading.current_thread() is not self._collector:
            self._collector.join(_PATIENCE_SECONDS)

    def report(self) -> dict[str, Any]:
        """What was done up to now, ready for JSON: stages, drops, and latencies in milliseconds."""
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
        newest = self._results.newest
        if newest is None or frame.captured_at - newest.frame.captured_at > _STALE_SECONDS:
            return self._give(EmotionFrame(frame, ()), None)
        return self._give(self._mover.move(newest, frame), newest)

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
                # All results are there now. What was never looked at is not shown.
                while self._held and not self._known_at(self._held[0]):
                    self._held.popleft()
                if not self._held:
                    raise
            if len(self._held) > _MOST_HELD:
                self._held.popleft()
                self.metrics.record(DISPLAY, dropped=1)

    def _known_at(self, frame: VideoFrame) -> bool:
        newest = self._results.newest
        return newest is not None and newest.frame.index >= frame.index

    def _release(self) -> LiveFrame:
        frame = self._held.popleft()
        before, after = self._results.around(frame.index)
        moments = [None if result is None else IndexedResult.of(result) for result in (before, after)]
        return self._give(between(moments[0], moments[1], frame), before or after)

    def _next_picture(self, timeout: float | None) -> VideoFrame:
        self._raise_failure()
        try:
            return self._pictures.take(timeout)
        except NothingYetError:
            raise
        except BaseException:
            # The source is over. What is in work comes first.
            self._collector.join(_PATIENCE_SECONDS)
            self._raise_failure()
            raise

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self.close()
            try:
                raise failure
            finally:
                del failure

    def _give(self, result: EmotionFrame, of: EmotionFrame | None) -> LiveFrame:
        age = None if of is None else max(0.0, time.monotonic() - of.frame.captured_at)
        changed, self._changed = self._changed, ""
        return LiveFrame(result, age, changed)

    def _collect(self) -> None:
        try:
            for result in self._analysis:
                self._latest_slot.done()
                now = time.monotonic()
                self.latencies.add(now - result.frame.captured_at)
                self._save(now - result.frame.captured_at, now)
                self._results.add(result, alone=not self.hold)
                self._on_result(result)
        except BaseException as error:
            self._failure = error
        finally:
            self._analysis.close()

    def _save(self, latency: float, now: float) -> None:
        if self._load_shedder.note(latency, now):
            saving = self._load_shedder.saving
            self._latest_slot.in_flight = saving.in_flight
            self._latest_slot.every = saving.faces_every
            self._changed = saving.sentence()
            _log.info("%s", self._changed)


class _Results:
    """The last results of the models, which come in one thread and are asked for in another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: deque[EmotionFrame] = deque(maxlen=_MOST_HELD)

    def add(self, result: EmotionFrame, alone: bool) -> None:
        """Take the next one; `alone`: forget the others, and with them their pictures."""
        with self._lock:
            if alone:
                self._results.clear()
            self._results.append(result)

    @property
    def newest(self) -> EmotionFrame | None:
        """The last one; None before the first."""
        with self._lock:
            return self._results[-1] if self._results else None

    def around(self, index: int) -> tuple[EmotionFrame | None, EmotionFrame | None]:
        """The last result up to a picture, and the first one from it on; forgets all before them."""
        with self._lock:
            while len(self._results) > 1 and self._results[1].frame.index <= index:
                self._results.popleft()
            after = next((result for result in self._results if result.frame.index >= index), None)
            first = self._results[0] if self._results else None
            return (first if first is not None and first.frame.index <= index else None), after


class _Tee:
    """The source, each of whose pictures is also offered to the models."""

    def __init__(self, source: Iterable[VideoFrame], latest_slot: LatestFrameSlot) -> None:
        self._source = source
        self._latest_slot = latest_slot

    def __iter__(self) -> Iterator[VideoFrame]:
        for frame in self._source:
            self._latest_slot.offer(frame)
            yield frame

    def close(self) -> None:
        self._latest_slot.end()
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def abort(self) -> None:
        abort = getattr(self._source, "abort", None)
        if abort is not None:
            abort()


class _Renamed(Observer):
    """Tells an observer of a pipeline without stages, as of the stage `DISPLAY`."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def begin(self, stages: Sequence[str]) -> None:
        self._observer.begin([DISPLAY])

    def record(self, stage: str, **counts: Any) -> None:
        self._observer.record(DISPLAY, **counts)
