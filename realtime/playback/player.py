"""Plays a video in real time, with results that are worked out ahead of the picture.

::

    video --tee--pictures decoded ahead--> shown when their time has come
            |                                ^ boxes in between two results
            +--those there is time for--> faces --> classify --> people --> known moments
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.pipeline.pipeline import Pipeline, Step
from emotion.realtime.playback.interpolation import between
from emotion.realtime.playback.result_index import IndexedResult, ResultIndex

# Pictures that are decoded ahead: the models' lead, at 2.7 MB a picture of 720p.
_AHEAD = 48
# Where the models are too slow for all, they look at pictures that are due no sooner than that.
_LEAD_SECONDS = 0.4
# So long the first picture, and that after a jump, waits for its result.
_PATIENCE_SECONDS = 3.0


class PlayClock:
    """Where in the video it is now.

    Args:
        now: seconds on a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._position = 0.0
        self._since: float | None = None
        self._speed = 1.0

    @property
    def position(self) -> float:
        """Seconds in the video."""
        gone = 0.0 if self._since is None else self._speed * (self._now() - self._since)
        return self._position + gone

    @property
    def running(self) -> bool:
        """Whether it goes on by itself."""
        return self._since is not None

    @property
    def speed(self) -> float:
        """Seconds of the video in a second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self.set(self.position)
        self._speed = speed

    def set(self, position: float) -> None:
        """Go to a place; it goes on from there if it was running."""
        self._position = position
        if self._since is not None:
            self._since = self._now()

    def stop(self) -> None:
        """Stand still."""
        self._position, self._since = self.position, None

    def start(self) -> None:
        """Go on."""
        if self._since is None:
            self._since = self._now()


class Player:
    """A video that can be paused, stepped and searched, with what is known of its faces.

    Not thread-safe: all of it belongs to one thread, which calls `take` often.

    Args:
        open_at: opens the video for reading from a time on, in seconds; closed by the player.
        stages: that find faces and read emotions; none where all is known already.
        known: results, to which those of the stages are added.
        step: seconds between two pictures, on average.
        hold: show no picture before its faces are known.
        clock: what time it is.

    Attributes:
        known: as above.
        clock: where in the video it is.
        hold: as above; may be changed at any time. Only then landmarks are kept.
        paused: whether it stands still because somebody wants it to.
        late: how many pictures were left out because their time had passed.
        metrics: what the stages do.
    """

    def __init__(
        self,
        open_at: Callable[[float], Iterable[VideoFrame]],
        stages: Sequence[Step] = (),
        known: ResultIndex | None = None,
        *,
        step: float = 0.04,
        hold: bool = False,
        clock: PlayClock | None = None,
    ) -> None:
        self.known = ResultIndex() if known is None else known
        self.clock = clock or PlayClock()
        self.paused = False
        self.late = 0
        self.metrics = Metrics()
        self._open_at = open_at
        self._step = step
        self.hold = hold
        self._shown: VideoFrame | None = None
        self._failure: BaseException | None = None
        self._feed = _Feed(self.known, self._wanted_from)
        self._analysis: Pipeline[EmotionFrame] | None = None
        self._collector: threading.Thread | None = None
        if stages:
            self._analysis = Pipeline(self._feed, stages, capacity=1, observer=self.metrics)
            self._collector = threading.Thread(target=self._collect, name="collect", daemon=True)
            self._collector.start()
        self._pictures: Pipeline[VideoFrame] | None = None
        self.seek(0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def take(self, timeout: float) -> EmotionFrame:
        """The next picture when its time has come, with what is known of its faces.

        Args:
            timeout: the most seconds to wait.

        Raises:
            NothingYetError: its time has not come yet.
            StopIteration: the video has ended; `seek` goes back.
            BaseException: what the video or a stage raised.
        """
        self._raise_failure()
        end = time.monotonic() + timeout
        self._fill(end)
        if self.paused and not self._eager:
            self._idle(end)
        head = self._waiting[0]
        if not self._known_in_time(head):
            self._idle(end)
        if not self._eager:
            while len(self._waiting) > 1 and self._waiting[1].seconds <= self.clock.position:
                self._waiting.popleft()
                self.late += 1
                self._fill(0.0)
            head = self._waiting[0]
            due = (head.seconds - self.clock.position) / self.clock.speed
            if due > 0:
                time.sleep(max(0.0, min(due, end - time.monotonic())))
                if self.clock.position < head.seconds:
                    raise NothingYetError("its time has not come")
        self._waiting.popleft()
        self._arrive(head)
        return self._dress(head)

    def again(self) -> EmotionFrame | None:
        """The picture given last with what is known by now; None before the first."""
        return None if self._shown is None else self._dress(self._shown)

    def seek(self, seconds: float) -> None:
        """Go to a time; the first picture from it on is given at once, also while paused."""
        self._close_pictures()
        self._feed.clear()
        self.clock.stop()
        self.clock.set(max(0.0, seconds))
        self._waiting: deque[VideoFrame] = deque()
        self._ended = False
        self._eager = True
        self._asked = time.monotonic()
        video = self._open_at(self.clock.position)
        self._pictures = Pipeline(_Tee(video, self._feed), [], capacity=_AHEAD)

    def pause(self, wanted: bool = True) -> None:
        """Stand still, or go on."""
        self.paused = wanted
        if wanted:
            self.clock.stop()
        elif not self._eager:
            self.clock.start()

    def step(self) -> None:
        """Give the next picture, and stand still."""
        self.pause()
        self._eager = True
        self._asked = time.monotonic()

    def step_back(self) -> None:
        """Give the picture before the one given last, and stand still."""
        self.pause()
        now = self._shown.seconds if self._shown else 0.0
        self.seek(now - 1.5 * self._step)

    def close(self) -> None:
        """Stop everything. May be called again."""
        self._close_pictures()
        if self._analysis:
            self._analysis.close()
        if self._collector and threading.current_thread() is not self._collector:
            self._collector.join(_PATIENCE_SECONDS)

    def _fill(self, end: float) -> None:
        """Have two pictures waiting, where there are so many; wait for one of them."""
        while len(self._waiting) < 2 and not self._ended and self._pictures:
            try:
                patience = 0.0 if self._waiting else max(0.0, end - time.monotonic())
                self._waiting.append(self._pictures.take(patience))
            except NothingYetError:
                break
            except StopIteration:
                self._ended = True
        if not self._waiting:
            raise StopIteration if self._ended else NothingYetError("nothing is decoded yet")

    def _idle(self, end: float) -> None:
        time.sleep(max(0.0, end - time.monotonic()))
        raise NothingYetError("not now")

    def _known_in_time(self, frame: VideoFrame) -> bool:
        """Whether a picture can be shown: its result is there, or it may be shown without."""
        if self._analysis is None or self.known.covers(frame.seconds):
            return True
        if self.hold:
            self.clock.set(frame.seconds)
            return False
        return not self._eager or time.monotonic() - self._asked > _PATIENCE_SECONDS

    def _arrive(self, frame: VideoFrame) -> None:
        self._shown = frame
        if self._eager:
            self._eager = False
            self.clock.set(frame.seconds)
            if not self.paused:
                self.clock.start()

    def _dress(self, frame: VideoFrame) -> EmotionFrame:
        return between(*self.known.around(frame.seconds), frame)

    def _wanted_from(self) -> float:
        """Of pictures before this time no result is needed any more."""
        lead = _LEAD_SECONDS * self.clock.speed if self.clock.running and not self.hold else 0.0
        return self.clock.position + lead

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self.close()
            try:
                raise failure
            finally:
                del failure

    def _collect(self) -> None:
        try:
            for result in self._analysis or ():
                self.known.add(IndexedResult.of(result) if self.hold else _without_points(result))
        except BaseException as error:
            self._failure = error

    def _close_pictures(self) -> None:
        if self._pictures:
            self._pictures.close()


def _without_points(result: EmotionFrame) -> IndexedResult:
    """Landmarks are most of a moment's memory, and seldom needed."""
    return IndexedResult(result.frame.seconds, tuple(replace(face, points=None) for face in result.faces))


class _Feed:
    """Pictures for the models, in order: all of them, or, where time is short, those still to come."""

    def __init__(self, known: ResultIndex, wanted_from: Callable[[], float]) -> None:
        self._known = known
        self._wanted_from = wanted_from
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._frames: deque[VideoFrame] = deque(maxlen=2 * _AHEAD)
        self._over = False

    def offer(self, frame: VideoFrame) -> None:
        """One more, later than those before."""
        if not self._known.has(frame.seconds):
            with self._lock:
                self._frames.append(frame)
                self._changed.notify()

    def clear(self) -> None:
        """The pictures that wait are not needed any more."""
        with self._lock:
            self._frames.clear()

    def abort(self) -> None:
        """Whoever iterates sees the end."""
        with self._lock:
            self._over = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[VideoFrame]:
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> VideoFrame | None:
        with self._lock:
            while not (self._frames or self._over):
                self._changed.wait()
            if self._over:
                return None
            start = self._wanted_from()
            frame = self._frames.popleft()
            while self._frames and frame.seconds < start:
                frame = self._frames.popleft()
            return frame


class _Tee:
    """A video each of whose pictures is also offered to the models."""

    def __init__(self, video: Iterable[VideoFrame], feed: _Feed) -> None:
        self._video = video
        self._feed = feed

    def __iter__(self) -> Iterator[VideoFrame]:
        for frame in self._video:
            self._feed.offer(frame)
            yield frame

    def close(self) -> None:
        close = getattr(self._video, "close", None)
        if close is not None:
            close()
