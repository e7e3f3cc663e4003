"""Several sinks at once, each in its own thread with a bounded queue.

::

    caller --write--> channel --> sink "mp4"       waits: loses nothing
                  |-> channel --> sink "page"      drops the oldest: never in the way
                  `-> channel --> sink "events"

A file waits: when its queue is full, so does the caller, and through it the whole run. A live view
drops the oldest instead and counts it, so that it never slows down the others.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from emotion.models.errors import EmotionError
from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.pipeline.channel import Channel, Policy
from emotion.realtime.pipeline.failures import Failures
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.deferred_signals import deferred_signals

_log = logging.getLogger(__name__)


def _warn(name: str, error: BaseException) -> None:
    """The default report of a sink's failure."""
    expected = isinstance(error, EmotionError)
    _log.warning("%s has ended: %s", name, error, exc_info=None if expected else error)


class Fanout(Sink):
    """Sends each frame to several sinks; none is slowed down by another beyond its policy.

    Add the sinks inside of its `with` block: when one of them cannot be opened, those before it are
    closed properly. Each is written, closed and aborted in a thread of its own, so a sink needs no
    locks. Pictures are shared by all: neither the caller nor a sink may change one afterwards.

    A sink whose reader has left raises `BrokenPipeError` (a closed window, a closed pipe) and ends
    silently. Any other error of a `vital` sink ends the run: the next `write`, or `close`,
    raises that object. The failure of one that is not vital is passed to `report`, once, and all
    others continue. In both cases the failing sink is aborted, so its output so far is kept.

    Args:
        observer: receives the events of each sink under its name: taken, given, dropped before the sink,
            seconds waited and busy.
        report: called with (name, error), in the sink's thread, when a sink that is not vital fails.
        patience: maximum seconds for which `close` waits for a view (not vital, and dropping), and `abort`
            for any sink that is not vital. One that hangs is left behind, in a daemon thread, and
            named in a warning.
    """

    def __init__(
        self,
        *,
        observer: Observer = SILENT,
        report: Callable[[str, BaseException], None] = _warn,
        patience: float = 2.0,
    ) -> None:
        self._observer = observer
        self._report = report
        self._patience = patience
        self._outlets: list[_SinkWorker] = []
        self._ended: list[_SinkWorker] = []
        self._failures = Failures()
        self._over = False

    def add(
        self,
        name: str,
        sink: Sink,
        *,
        policy: Policy = Policy.WAIT,
        capacity: int = 4,
        vital: bool = True,
    ) -> None:
        """Add a sink, with its thread and queue. From here on only this object closes it.

        Args:
            name: in metrics and reports; unique.
            sink: open, and not used elsewhere.
            policy: if the queue is full: `WAIT` for files, `DROP_OLDEST` for views.
            capacity: length of the queue, from 0 for a sink that waits; 1 shows the newest only.
            vital: whether its failure ends the run.

        Raises:
            ValueError: the name is taken, the capacity is too small, or this object is closed. The
                sink is aborted then.
        """
        try:
            if self._over or name in self.names:
                raise ValueError(f"{name} cannot be added: the name is taken, or the end has come")
            outlet = _SinkWorker(name, sink, Channel(capacity, policy), vital, self._observer, self._failed)
        except BaseException:
            sink.abort()
            raise
        # Dropping sinks come first, so that they have the frame while the caller waits for a file.
        self._outlets.append(outlet)
        self._outlets.sort(key=lambda outlet: outlet.waits)

    def end(self, name: str) -> None:
        """Let one sink finish, in its own thread; the others continue. `close` waits for it.

        Raises:
            KeyError: there is no such sink, or it has ended before.
        """
        outlet = next((outlet for outlet in self._outlets if outlet.name == name), None)
        if outlet is None:
            raise KeyError(name)
        self._outlets.remove(outlet)
        self._ended.append(outlet)
        outlet.finish()

    def runs(self, name: str) -> bool:
        """Whether a sink of this name is running."""
        return any(outlet.alive for outlet in self._outlets if outlet.name == name)

    @property
    def names(self) -> set[str]:
        """The names of all sinks, including ended ones."""
        return {outlet.name for outlet in (*self._outlets, *self._ended)}

    @property
    def listening(self) -> bool:
        """Whether any sink is running."""
        return any(outlet.alive for outlet in self._outlets)

    @property
    def dropped(self) -> dict[str, int]:
        """By name, the number of frames that a sink has dropped."""
        return {outlet.name: outlet.dropped for outlet in self._outlets}

    @property
    def paths(self) -> dict[str, Path]:
        """By name, the path of the complete or partial file of each ended sink."""
        return {one.name: one.path for one in (*self._outlets, *self._ended) if one.path is not None}

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Send a frame to every sink, and wait for those that must not lose it.

        Raises:
            BaseException: a vital sink has failed; the object that it raised.
        """
        for outlet in self._outlets:
            outlet.put(result, image)
        self._failures.raise_first()

    def close(self) -> None:
        """Let all sinks finish at the same time, and wait for them.

        Raises:
            BaseException: the first that a vital sink raised, with a note on each other one.
        """
        self._over = True
        for outlet in self._outlets:
            outlet.finish()
        for outlet in (*self._outlets, *self._ended):
            outlet.join(self._patience if outlet.view and outlet not in self._ended else None)
        self._failures.raise_first()

    def abort(self) -> None:
        """Let files write queued frames, and end views at once; never raises.

        Other failures meanwhile are passed to `report`.
        """
        self._over = True
        for outlet in self._outlets:
            outlet.abandon()
        with deferred_signals():  # files are finished in any case; sinks that may hang have a time limit
            for outlet in (*self._outlets, *self._ended):
                outlet.join(None if outlet.vital else self._patience)
        for name, error in self._failures.take():
            self._report(name, error)

    def _failed(self, outlet: "_SinkWorker", error: BaseException) -> None:
        """Called in the outlet's thread, before its sink is aborted."""
        if not outlet.vital:
            self._report(outlet.name, error)
            return
        error.add_note(f"in the sink {outlet.name}")
        self._failures.add(error, outlet.name)


class _SinkWorker:
    """One sink, its queue and its thread."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        channel: Channel[tuple[EmotionFrame, Image]],
        vital: bool,
        observer: Observer,
        failed: Callable[["_SinkWorker", BaseException], None],
    ) -> None:
        self.name = name
        self.vital = vital
        self.waits = channel.policy is Policy.WAIT
        self.view = not vital and not self.waits
        self.path: Path | None = None
        self._sink = sink
        self._channel = channel
        self._observer = observer
        self._failed = failed
        self._abandoned = False
        self._reported_drops = 0
        self._left_behind = False
        self._thread = threading.Thread(target=self._run, name=f"sink-{name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and not self._channel.over

    @property
    def dropped(self) -> int:
        return self._channel.dropped

    def put(self, result: EmotionFrame, image: Image) -> None:
        self._channel.put((result, image))
        # Here and not in its own thread, which may hang.
        before, self._reported_drops = self._reported_drops, self._channel.dropped
        if self._reported_drops > before:
            self._observer.record(self.name, dropped=self._reported_drops - before)

    def finish(self) -> None:
        """No more frames will come; queued ones are still written."""
        self._channel.close()

    def abandon(self) -> None:
        self._abandoned = True
        if self.view:
            self._channel.abort()
        else:
            self._channel.close()

    def join(self, patience: float | None) -> None:
        if self._left_behind:
            return
        self._thread.join(patience)
        if self._thread.is_alive():
            self._left_behind = True
            _log.warning("%s did not end within %g s and is left behind", self.name, patience)

    def _run(self) -> None:
        whole = False
        try:
            self._work()
            if not self._abandoned:
                self.path = self._sink.close()
                whole = True
        except BrokenPipeError:
            pass  # its reader has left, which is not a failure
        except BaseException as error:
            self._failed(self, error)
        finally:
            self._channel.abort()
            if not whole:
                self.path = self._sink.abort()

    def _work(self) -> None:
        start = time.perf_counter()
        while items := self._channel.take():
            taken = time.perf_counter()
            result, image = items.pop()
            self._sink.write(result, image)
            del result, image  # not kept in memory while waiting for the next
            done = time.perf_counter()
            self._record(taken=1, given=1, waiting=taken - start, busy=done - taken)
            start = done
        self._record()

    def _record(self, taken: int = 0, given: int = 0, waiting: float = 0.0, busy: float = 0.0) -> None:
        self._observer.record(self.name, taken=taken, given=given, waiting=waiting, busy=busy)
