"""Several sinks at once, each in a thread of its own behind a bounded queue.

::

    caller --write--> channel --> sink "mp4"       waits: loses nothing
                  |-> channel --> sink "page"      drops the oldest: never in the way
                  `-> channel --> sink "events"

A file waits: when its queue is full, so does the caller, and through it the whole run. A live view
drops the oldest instead and counts it, so that however slow it is, nobody else notices.
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
    """How a sink's failure is told where the caller has no better way."""
    expected = isinstance(error, EmotionError)
    _log.warning("%s has ended: %s", name, error, exc_info=None if expected else error)


class Fanout(Sink):
    """Gives each frame to several sinks, of which none is slowed by another beyond its policy.

    Add the sinks inside of its `with` block: when one of them cannot be opened, those before it are
    closed properly. Each is written, closed and aborted in a thread of its own, so a sink needs no
    locks. Pictures are shared by all: neither the caller nor a sink may change one afterwards.

    A sink whose reader has left raises `BrokenPipeError` (a closed window, a closed pipe) and ends
    without a word. Any other error of a `vital` sink ends the run: the next `write`, or `close`,
    raises that very object. The failure of one that is not vital is told to `report`, once, and all
    others go on. Either way the failing sink is aborted, so what it has written is kept.

    Args:
        observer: is told each sink's steps under its name: taken, given, dropped before the sink,
            seconds waited and busy.
        report: called with (name, error), in the sink's thread, when a sink that is not vital fails.
        patience: the most seconds that `close` waits for a view (not vital, and it drops), and `abort`
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
        """Give a sink its thread and its queue. From here on it is closed by this object alone.

        Args:
            name: what metrics and reports call it; each name once.
            sink: open, and used by nobody else.
            policy: what happens when `capacity` frames wait: `WAIT` for files, `DROP_OLDEST` for views.
            capacity: the most frames that wait, from 0 for a sink that waits; 1 shows the newest only.
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
        # Those that drop come first: they have the frame already while a file makes the caller wait.
        self._outlets.append(outlet)
        self._outlets.sort(key=lambda outlet: outlet.waits)

    def end(self, name: str) -> None:
        """Let one sink finish, in its own thread; the others go on. `close` waits for it.

        Raises:
            KeyError: there is none of this name, or it has ended before.
        """
        outlet = next((outlet for outlet in self._outlets if outlet.name == name), None)
        if outlet is None:
            raise KeyError(name)
        self._outlets.remove(outlet)
        self._ended.append(outlet)
        outlet.finish()

    def runs(self, name: str) -> bool:
        """Whether a sink of this name still takes frames."""
        return any(outlet.alive for outlet in self._outlets if outlet.name == name)

    @property
    def names(self) -> set[str]:
        """Of all sinks, also of those that have ended."""
        return {outlet.name for outlet in (*self._outlets, *self._ended)}

    @property
    def listening(self) -> bool:
        """Whether any sink still takes frames. Without one there is nobody left to work for."""
        return any(outlet.alive for outlet in self._outlets)

    @property
    def dropped(self) -> dict[str, int]:
        """By name, how many frames a sink never saw because newer ones came first."""
        return {outlet.name: outlet.dropped for outlet in self._outlets}

    @property
    def paths(self) -> dict[str, Path]:
        """By name, where the file of each sink lies that has ended and left one, whole or in part."""
        return {one.name: one.path for one in (*self._outlets, *self._ended) if one.path is not None}

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Hand a frame to every sink, and wait for those that must not lose it.

        Raises:
            BaseException: a vital sink has failed; the very object that it raised.
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
        """Let files keep what they were given and views end at once; never raises.

        What else fails meanwhile is told to `report`.
        """
        self._over = True
        for outlet in self._outlets:
            outlet.abandon()
        with deferred_signals():  # files are finished whatever happens; what may hang has its time
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
        self._told = 0
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
        # Here and not by its own thread, which may hang.
        told, self._told = self._told, self._channel.dropped
        if self._told > told:
            self._observer.record(self.name, dropped=self._told - told)

    def finish(self) -> None:
        """No more frames will come; those that wait are still written."""
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
            pass  # its reader has left, which is no failure
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
