"""A source and a sequence of stages, each in its own threads, with the results in order.

::

    source --channel--> stage --channel--> stage --channel--> consumer

A run ends like a Unix pipe. Each worker that ends closes the channel it writes to and aborts the one it reads
from, so that the end of a file, an error and a consumer that stops use one mechanism.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

from emotion.models.closeable import Closeable
from emotion.models.native.at_exit import Process, before_exit
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.pipeline.channel import Channel, NothingYetError
from emotion.realtime.pipeline.stage import SOURCE, Stage, Step
from emotion.realtime.pipeline.workers import Order, SourceWorker, Worker

T = TypeVar("T")

_log = logging.getLogger(__name__)

# The least that wait where nothing else is said.
_USUAL = 4


class Pipeline(Closeable, Generic[T]):
    """Runs items from a source through stages; iterate over it for the results, in order.

    It starts in the constructor, and works ahead until the channels are full. Leaving its `with` block, or
    `close`, drops the items in work and stops the threads, as do the end and an error. A pipeline that is not
    closed is stopped when it is garbage-collected, or at exit; then a thread that still iterates gets a
    RuntimeError, because its results are not complete. A forked child has the pipeline without its threads:
    it can only close it.

    An error of the source or of a stage is raised after all results that precede it. It is the original
    exception, with a note that names the stage and, for items with an `index` or a `frame` with one, the
    frame. Of several errors the first in the order of items is raised.

    Args:
        source: iterated in its own thread. If it has a `close()`, that is called once, in that thread, after
            the iteration. If it can block for ever, like a camera, it also needs an `abort()`: called at most
            once, from another thread at any time, it returns at once and ends the iteration.
        stages: in order. For several workers give a list of equal stages, all with the same `name` and
            `batch`; results keep the order of the items.
        inbox: the channel from the source to the first stage, or without stages to the consumer: a
            `LatestSlot` keeps only the newest item. By default a channel like the others, which drops none.
        capacity: the most items that wait before each stage and before the consumer, from 0; by default 4 or
            the next stage's batch, whichever is larger. More items even out differences in speed, and add
            latency.
        patience: the most seconds that `close` waits for threads. A thread that does not end in time, for
            example with a source that blocks and has no `abort()`, is named in a warning and left behind; it
            is a daemon thread, which does not prevent exit, and closes its source or stage if it ever ends.
        observer: of what each stage does; see `emotion.realtime.monitoring.metrics.Metrics`.

    Raises:
        ValueError: an empty stage, two stages of one name, a batch below 1 or a capacity below 0.
    """

    def __init__(
        self,
        source: Iterable[Any],
        stages: Sequence[Step],
        *,
        inbox: Channel[Any] | None = None,
        capacity: int | None = None,
        patience: float = 5.0,
        observer: Observer = SILENT,
    ) -> None:
        teams = [_team(step) for step in stages]
        names = _names(teams)
        channels = _channels(teams, inbox, capacity)
        self._results: Channel[T] = channels[-1]
        self._threads = _Threads(source, channels, patience)
        # The threads know the parts of `_Threads` but never the pipeline: else it could not be collected.
        self._forgotten = before_exit(self, self._threads.stop_forgotten)
        observer.begin(names)
        self._threads.start(SOURCE, SourceWorker(source, channels[0], observer).run)
        for team, (before, behind) in zip(teams, pairwise(channels), strict=True):
            order: Order[Any, Any] = Order(before, behind, len(team), capacity)
            for number, stage in enumerate(team, start=1):
                self._threads.start(f"{stage.name}-{number}", Worker(stage, order, observer).run)

    def __iter__(self) -> "Pipeline[T]":
        return self

    def __next__(self) -> T:
        return self.take()

    def take(self, timeout: float | None = None) -> T:
        """The next result, with a time limit.

        Args:
            timeout: the most seconds to wait; None: no limit.

        Raises:
            NothingYetError: no result came in time; the run continues.
            StopIteration: there are no more results.
            RuntimeError: the results are not complete: the program ends, or this is a forked child.
        """
        if not self._threads.here:
            raise RuntimeError("the threads of a pipeline stay in the process that made it")
        try:
            batch = self._results.take(timeout=timeout)
        except NothingYetError:
            raise
        except BaseException as error:
            self.close()
            if isinstance(error, StopIteration):
                # Otherwise it would look like the end of the results.
                raise RuntimeError("a stage raised StopIteration") from error
            raise
        for item in batch:
            return item
        self.close()
        if self._threads.cut_short and not threading.current_thread().daemon:
            raise RuntimeError("the program ends before the results: join the thread that iterates")
        raise StopIteration

    def close(self) -> None:
        """Drop the items in work, stop the threads, and wait for them up to `patience` seconds.

        May be called again, and from any thread; the iteration then ends. Not from a signal handler, which
        may have interrupted this pipeline: let the handler raise an exception.
        """
        self._threads.stop()
        self._forgotten.detach()


def _team(step: Step) -> list[Stage[Any, Any]]:
    team = list(step) if isinstance(step, Sequence) else [step]
    if not team:
        raise ValueError("a stage needs at least one worker")
    if len(team) > 1 and hasattr(team[0], "finish"):
        raise ValueError(f"the stage {team[0].name} holds results back, so it works alone")
    for stage in team:
        if stage.batch < 1:
            raise ValueError(f"the stage {stage.name} takes at least one item at once, not {stage.batch}")
    return team


def _names(teams: Sequence[Sequence[Stage[Any, Any]]]) -> list[str]:
    names = [SOURCE, *(team[0].name for team in teams)]
    if len(set(names)) < len(names):
        raise ValueError(f"each stage needs a name of its own: {', '.join(names)}")
    return names


def _channels(
    teams: Sequence[Sequence[Stage[Any, Any]]], inbox: Channel[Any] | None, capacity: int | None
) -> list[Channel[Any]]:
    """A channel before each stage, and one before the consumer."""
    usual = _USUAL if capacity is None else capacity
    channels: list[Channel[Any]] = [
        *(Channel(_room_before(team[0], capacity)) for team in teams),
        Channel(usual),
    ]
    if inbox is not None:
        channels[0] = inbox
    return channels


def _room_before(stage: Stage[Any, Any], capacity: int | None) -> int:
    if capacity is None:
        return max(_USUAL, stage.batch)
    # The next whole batch gathers while the stage works on one, unless nothing may wait.
    gathers = capacity > 0 and getattr(stage, "whole", False)
    return max(capacity, stage.batch) if gathers else capacity


class _Threads:
    """The threads of a run, and what ends them: its channels, and the source's `abort`."""

    def __init__(self, source: object, channels: Sequence[Channel[Any]], patience: float) -> None:
        self._source = source
        self._channels = channels
        self._patience = patience
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._process = Process()
        self.cut_short = False

    @property
    def here(self) -> bool:
        return self._process.here

    def start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop_forgotten(self) -> None:
        """Stop a pipeline that was not closed: it was garbage-collected, or the program ends."""
        self.cut_short = True
        self.stop()

    def stop(self) -> None:
        if not self.here:
            return
        if threading.current_thread() in self._threads:
            # Garbage collection runs in any thread. A worker cannot join itself, and may hold a lock.
            threading.Thread(target=self.stop, daemon=True).start()
            return
        # In every call: Ctrl-C may have interrupted the first one.
        for channel in self._channels:
            channel.abort()
        with self._lock:
            first = self._deadline is None
            deadline = self._deadline = self._deadline or time.monotonic() + self._patience
        if first:
            self._abort_source()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if first:
            self._name_the_stuck()

    def _abort_source(self) -> None:
        abort = getattr(self._source, "abort", None)
        if abort is not None and self._threads and self._threads[0].is_alive():
            try:
                abort()
            except Exception:
                _log.warning("the source's abort() failed", exc_info=True)

    def _name_the_stuck(self) -> None:
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        if stuck:
            _log.warning("left behind after %g s: %s", self._patience, ", ".join(stuck))
