"""Plays a video in real time, with results that are computed ahead of the picture.

::

    video --tee--pictures decoded ahead--> shown when their time has come
            |                                ^ boxes in between two results
            +--those there is time for--> faces --> classify --> people --> known moments
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from emotion.models.closeable import Closeable
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.channel import Channel, NothingYetError, Policy
from emotion.realtime.pipeline.collector import Collector
from emotion.realtime.pipeline.pipeline import Pipeline
from emotion.realtime.pipeline.stage import Step
from emotion.realtime.pipeline.tee import Tee
from emotion.realtime.playback.clock import PlayClock
from emotion.realtime.playback.interpolation import between
from emotion.realtime.playback.result_index import IndexedResult, ResultIndex
from emotion.realtime.session import EveryFrame, Session

# Number of pictures decoded ahead of the display, at 2.7 MB per picture of 720p.
_AHEAD = 48
# If the models are too slow for all, they skip pictures that are due sooner than this.
_LEAD_SECONDS = 0.4
# Timeout for the result of the first picture, and of that after a seek.
_PATIENCE_SECONDS = 3.0


class Player(Closeable):
    """A video with pause, step and seek, with the known results of its faces.

    Not thread-safe: all of it belongs to one thread, which calls `take` often.

    Args:
        open_at: opens the video from a time on, in seconds; closed by the player.
        stages: of the analysis; none if all results are known.
        known: results, to which those of the stages are added.
        step: mean seconds between two pictures.
        hold: show no picture before its faces are known.
        clock: a monotonic clock in seconds.

    Attributes:
        known: as above.
        clock: the playback position.
        hold: as above; may be changed at any time. Only then landmarks are kept.
        paused: whether the user has paused it.
        late: number of pictures that were skipped because their time had passed.
        metrics: of the stages.
        news: results since they were last read, oldest first.
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
        self.news: deque[IndexedResult] = deque(self.known.moments())
        self._open_at = open_at
        self._step = step
        self.hold = hold
        self._shown: VideoFrame | None = None
        self._feed = _Feed(self.known, self._wanted_from)
        self._session: Session | None = None
        self._collector: Collector[EmotionFrame] | None = None
        if stages:
            policy = EveryFrame(capacity=1)
            self._session = Session(self._feed, policy=policy, stages=stages, observer=self.metrics)
            self._collector = Collector(self._session, self._remember)
        self._pictures: Pipeline[VideoFrame] | None = None
        self.seek(0.0)

    def take(self, timeout: float) -> EmotionFrame:
        """The next picture when it is due, with the known results of its faces.

        Args:
            timeout: maximum seconds to wait.

        Raises:
            NothingYetError: it is not due yet.
            StopIteration: the video has ended; `seek` goes back.
            BaseException: an exception of the video or a stage.
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
        """The last picture with the present results; None before the first."""
        return None if self._shown is None else self._dress(self._shown)

    def seek(self, seconds: float) -> None:
        """Seek to a time; the first picture from it on is given at once, also while paused."""
        self._close_pictures()
        self._feed.clear()
        self.clock.stop()
        self.clock.set(max(0.0, seconds))
        self._waiting: deque[VideoFrame] = deque()
        self._ended = False
        self._eager = True
        self._asked = time.monotonic()
        video = self._open_at(self.clock.position)
        self._pictures = Pipeline(Tee(video, self._feed.offer), [], capacity=_AHEAD)

    def pause(self, wanted: bool = True) -> None:
        """Pause, or continue."""
        self.paused = wanted
        if wanted:
            self.clock.stop()
        elif not self._eager:
            self.clock.start()

    def step(self) -> None:
        """Give the next picture, and pause."""
        self.pause()
        self._eager = True
        self._asked = time.monotonic()

    def step_back(self) -> None:
        """Give the picture before the last one, and pause."""
        self.pause()
        now = self._shown.seconds if self._shown else 0.0
        self.seek(now - 1.5 * self._step)

    def close(self) -> None:
        """Stop everything. May be called again."""
        self._close_pictures()
        if self._session:
            self._session.close()
        if self._collector:
            self._collector.join(_PATIENCE_SECONDS)

    def _fill(self, end: float) -> None:
        """Fill the queue with two pictures, if there are so many; wait for one of them."""
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
        """Whether a picture can be shown: its result is known, or is not required."""
        if self._session is None or self.known.covers(frame.seconds):
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
        """Results of pictures before this time are not needed any more."""
        lead = _LEAD_SECONDS * self.clock.speed if self.clock.running and not self.hold else 0.0
        return self.clock.position + lead

    def _raise_failure(self) -> None:
        try:
            if self._collector:
                self._collector.raise_failure()
        except BaseException:
            self.close()
            raise

    def _remember(self, result: EmotionFrame) -> None:
        moment = _without_points(result)
        self.known.add(IndexedResult.of(result) if self.hold else moment)
        self.news.append(moment)

    def _close_pictures(self) -> None:
        if self._pictures:
            self._pictures.close()


def _without_points(result: EmotionFrame) -> IndexedResult:
    """Remove landmarks, which take most of the memory and are rarely needed."""
    return replace(IndexedResult.of(result), faces=tuple(replace(face, points=None) for face in result.faces))


class _Feed:
    """Pictures for the models, in order: all of them, or, if the models are late, only future ones."""

    def __init__(self, known: ResultIndex, wanted_from: Callable[[], float]) -> None:
        self._known = known
        self._wanted_from = wanted_from
        self._waiting: Channel[VideoFrame] = Channel(2 * _AHEAD, Policy.DROP_OLDEST)
        # The queued pictures are not needed any more.
        self.clear = self._waiting.clear
        # Ends the iteration.
        self.abort = self._waiting.abort

    def offer(self, frame: VideoFrame) -> None:
        """Add a picture, later than those before."""
        if not self._known.has(frame.seconds):
            self._waiting.put(frame)

    def __iter__(self) -> Iterator[VideoFrame]:
        for frame in self._waiting:
            yield self._first_wanted(frame)

    def _first_wanted(self, frame: VideoFrame) -> VideoFrame:
        """The picture, or if it is too late, the next one that is not, if any."""
        start = self._wanted_from()
        with suppress(NothingYetError):
            while frame.seconds < start and (later := self._waiting.take(timeout=0)):
                (frame,) = later
        return frame
