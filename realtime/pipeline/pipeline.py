"""Threads and order: a source and a row of stages, each in threads of its own. It knows no engine.

::

    source --channel--> stage --channel--> stage --channel--> whoever iterates

A run ends like a Unix pipe. Each worker, when it leaves, closes the channel it writes to and aborts
the one it reads from; so the end of a file, a crash and a vanished consumer are one mechanism.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from emotion.models.closeable import Closeable
from emotion.models.errors import EmotionError
from emotion.models.native.at_exit import Process, before_exit
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.pipeline.channel import Channel, NothingYetError
from emotion.realtime.pipeline.notes import after, at, noting
from emotion.realtime.pipeline.tee import close_source

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

SOURCE = "source"
"""The name under which an observer hears of the source."""

_log = logging.getLogger(__name__)


class Stage(Protocol[In_contra, Out_co]):
    """One step of the work. It knows no threads: a pipeline calls it from one, and only one.

    A stage that has an attribute `full`, and it is true, is given whole batches, and fewer items only
    at the end: for work that is cheaper together, where nobody waits for the single result. Where the
    capacity of the pipeline is smaller than a batch, so are its batches, unless it has an attribute `whole`,
    too, that is true: because its results depend on what it is given together.

    A stage that holds results back, for it needs to see what follows, has a method `finish`: called once
    in its thread when no items come any more, also where that is for an error, it gives those that are
    left. Such a stage works alone.

    A stage with work on which no result waits has a method `after_results`: called in its thread after each
    batch's results were handed on; behind a `LatestSlot` when all results are out, or the next item is there.
    What that raises comes after these results, as an error of the stage.
    """

    @property
    def name(self) -> str:
        """What notes on errors and metrics call it."""

    @property
    def batch(self) -> int:
        """The most items that `process` is given at once, from 1."""

    def process(self, items: Sequence[In_contra], /) -> Iterable[Out_co]:
        """The results of 1 to `batch` items, in order; any number of them."""

    def close(self) -> None:
        """Free what the stage holds. Called once, in its own thread, however the run ends."""


Step: TypeAlias = Stage[Any, Any] | Sequence[Stage[Any, Any]]
"""A stage, or several alike that share its work, each in a thread of its own."""


class Pipeline(Closeable, Generic[T]):
    """Runs items from a source through stages; iterate over it for the results, in order.

    It works ahead from its construction on, until the channels are full. Leave its `with` block, or
    call `close`, to drop what is in work and to stop the threads; the end and an error do so too.
    One that is merely forgotten is stopped when it is collected, or when the program ends: then a
    thread that still iterates gets a RuntimeError, for what it has is not all. A forked child has the
    pipeline but not its threads: it can only forget or close it.

    An error of the source or of a stage comes after all results that precede it: the very exception
    object, with a note that names the stage and, for items that have an `index` or a `frame` with
    one, the frame. With several failures the first in the order of items counts.

    Args:
        source: what to iterate over, in a thread of its own. If it has a `close()`, that is called
            once, in that thread, when iteration is over. If it can wait for ever, as a camera can, it
            needs an `abort()` as well: called at most once, from another thread and at any moment, it
            returns at once and makes the present and every later step of the iteration end.
        stages: in order. For several workers give a list of stages alike, all with the same `name`
            and `batch`; results keep the order of the items all the same.
        inbox: where the source's items wait for the first stage, or without stages for the consumer: a
            `LatestSlot` keeps only the newest and drops the others. By default a channel like those
            further on, where nothing is dropped.
        capacity: the most items that wait before each stage and before the consumer; by default 4 or
            the next stage's batch, whichever is more. More of them even out the stages' pace and cost
            latency.
        patience: the most seconds that `close` waits for threads. One that does not end by then, as
            in a source that waits for ever and has no `abort()`, is named in a warning and left
            behind; it is a daemon and keeps no program from exiting, and it closes its source or
            stage if it ever wakes.
        observer: is told what each stage does; `emotion.realtime.monitoring.metrics.Metrics` adds it up.

    Raises:
        ValueError: an empty stage, two stages of one name, or a batch or capacity below 1.
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
        self._threads.start(SOURCE, _SourceWorker(source, channels[0], observer).run)
        for team, (before, behind) in zip(teams, pairwise(channels), strict=True):
            order: _Order[Any, Any] = _Order(before, behind, len(team), capacity)
            for number, stage in enumerate(team, start=1):
                self._threads.start(f"{stage.name}-{number}", _Worker(stage, order, observer).run)

    def __iter__(self) -> "Pipeline[T]":
        return self

    def __next__(self) -> T:
        return self.take()

    def take(self, timeout: float | None = None) -> T:
        """What `next` gives, for those who have other things to do as well.

        Args:
            timeout: the most seconds to wait; None: as long as it takes.

        Raises:
            NothingYetError: nothing came in time; the run goes on.
            StopIteration: there are no more results.
            RuntimeError: there would be more, but the program ends, or this is a forked child.
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
                # As it stands it would look like the end, and a run cut short like a whole one.
                raise RuntimeError("a stage raised StopIteration") from error
            raise
        for item in batch:
            return item
        self.close()
        if self._threads.cut_short and not threading.current_thread().daemon:
            raise RuntimeError("the program ends before the results: join the thread that iterates")
        raise StopIteration

    def close(self) -> None:
        """Drop what is in work, stop the threads and wait for them, `patience` seconds at most.

        May be called again and from any thread, whose iteration then ends; but not from a signal
        handler, which may have interrupted this very pipeline: let the handler raise an exception.
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
    """One before each stage, one before the consumer."""
    batches = [*(team[0].batch for team in teams), 1]
    usual = [max(4, batch) for batch in batches]
    least = [*(team[0].batch if getattr(team[0], "whole", False) else 0 for team in teams), 0]
    channels: list[Channel[Any]] = [
        Channel(size if capacity is None else max(capacity, needed))
        for size, needed in zip(usual, least, strict=True)
    ]
    if inbox is not None:
        channels[0] = inbox
    return channels


class _Threads:
    """All that must end when a run ends: its threads, its channels, and the wait of its source."""

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
        """Nobody has the pipeline any more, or the program is at its end."""
        self.cut_short = True
        self.stop()

    def stop(self) -> None:
        if not self.here:
            return
        if threading.current_thread() in self._threads:
            # The collector runs in any thread. A worker can't wait for itself, and may hold a lock.
            threading.Thread(target=self.stop, daemon=True).start()
            return
        # By every call: Ctrl-C may have cut the first one short.
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


class _SourceWorker:
    """Iterates over the source, in a thread of its own."""

    def __init__(self, source: Iterable[Any], outbox: Channel[Any], observer: Observer) -> None:
        self._source = source
        self._outbox = outbox
        self._observer = observer
        self._last: object = None

    def run(self) -> None:
        error = _first_error(self._read, self._close)
        _finish(self._outbox, error)

    def _read(self) -> None:
        mark = time.perf_counter()
        with noting(lambda: f"in the source{after(self._last)}"):
            for item in self._source:
                got = time.perf_counter()
                self._last = item
                if not self._put(item, got - mark):
                    break
                mark = time.perf_counter()

    def _put(self, item: object, busy: float) -> bool:
        dropped, start = self._outbox.dropped, time.perf_counter()
        taken = self._outbox.put(item)
        dropped = self._outbox.dropped - dropped
        self._observer.record(
            SOURCE,
            # One comes in, one goes: the sum is what has been handed on.
            given=int(taken) - dropped,
            dropped=dropped,
            busy=busy,
            blocked=time.perf_counter() - start,
        )
        return taken

    def _close(self) -> None:
        with noting(lambda: "while closing the source"):
            close_source(self._source)


@dataclass(slots=True, eq=False)
class _Job(Generic[Out]):
    """A place in a stage's order: the results of one batch, or a worker's reason to leave."""

    results: list[Out] = field(default_factory=list)
    done: bool = False
    error: BaseException | None = None


class _Order(Generic[In, Out]):
    """What the workers of one stage share: which of them takes first, gives first.

    A worker that is done before its turn leaves its results here and goes on; whoever has the first
    job hands on all that are ready. Its last job a worker never finishes, so nothing passes an error.
    """

    def __init__(
        self, inbox: Channel[In], outbox: Channel[Out], workers: int, capacity: int | None = None
    ) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._workers = workers
        self._jobs: deque[_Job[Out]] = deque()
        # Keeps the others from working ahead without end while one is slow.
        self._room = threading.Semaphore(workers + min(workers, capacity or workers))
        self._taking = threading.Lock()
        self._giving = threading.Lock()

    def take(self, job: _Job[Out], limit: int, full: bool) -> list[In]:
        """Wait for items, and put `job` in their place; an empty list is the end."""
        self._room.acquire()
        with self._taking:
            self._jobs.append(job)
            return self._inbox.take(limit, full=full)

    def enter(self, job: _Job[Out]) -> None:
        """Put `job` behind all that were taken, without items: for an error between two batches."""
        self._room.acquire()
        with self._taking:
            self._jobs.append(job)

    def wait_until_idle(self) -> None:
        """Wait until there is time for something on which nobody waits."""
        self._inbox.wait_until_idle()

    def give(self, job: _Job[Out]) -> None:
        """`job` is done: hand on what is ready."""
        job.done = True
        with self._giving:
            while self._jobs and self._jobs[0].done:
                self._hand_on(self._jobs.popleft())
                self._room.release()

    def leave(self) -> None:
        """A worker is gone, and its last job is not done; the last of them closes the door."""
        self._inbox.abort()
        self._room.release()
        with self._giving:
            self._workers -= 1
            if not self._workers:
                self._hand_on(self._jobs[0])
                _finish(self._outbox, next((job.error for job in self._jobs if job.error is not None), None))

    def _hand_on(self, job: _Job[Out]) -> None:
        if not all(map(self._outbox.put, job.results)):
            self._inbox.abort()


class _Worker(Generic[In, Out]):
    """One stage at work, in a thread of its own."""

    def __init__(self, stage: Stage[In, Out], order: _Order[In, Out], observer: Observer) -> None:
        self._stage = stage
        self._batch = stage.batch
        self._full = bool(getattr(stage, "full", False))
        self._order = order
        self._observer = observer
        self._job: _Job[Out] = _Job()
        self._blocked = 0.0
        self._idle = 0.0

    def run(self) -> None:
        self._job.error = _first_error(self._work, self._close)
        self._order.leave()

    def _work(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Take a batch to its end; False when there is none any more."""
        job: _Job[Out] = _Job()
        self._job = job
        start = time.perf_counter()
        try:
            items = self._order.take(job, self._batch, self._full)
        except BaseException:  # of a stage before: what precedes it comes first
            self._finish(job)
            raise
        taken = time.perf_counter()
        if items:
            with noting(lambda: f"in the stage {self._stage.name}{at(items)}"):
                for result in self._stage.process(items):
                    job.results.append(result)
        else:
            self._finish(job)
        done = time.perf_counter()
        # Before the results are gone, so that an error of the observer has a place in the order, too.
        self._observer.record(
            self._stage.name,
            taken=len(items),
            given=len(job.results),
            waiting=self._idle + taken - start,
            busy=done - taken,
            blocked=self._blocked,
        )
        if items:
            self._order.give(job)
            self._blocked = time.perf_counter() - done
            self._after_results(at(items))
        return bool(items)

    def _after_results(self, place: str) -> None:
        """Let the stage do on what no result waits, when nothing is in work."""
        self._idle = 0.0
        if not hasattr(self._stage, "after_results"):
            return
        start = time.perf_counter()
        self._order.wait_until_idle()
        self._idle = time.perf_counter() - start
        try:
            run_after_results(self._stage, place, self._observer)
        except BaseException:
            self._job = _Job()
            self._order.enter(self._job)
            raise

    def _finish(self, job: _Job[Out]) -> None:
        """Take what the stage has held back."""
        with noting(lambda: f"at the end of the stage {self._stage.name}"):
            job.results.extend(held_back(self._stage))

    def _close(self) -> None:
        with noting(lambda: f"while closing the stage {self._stage.name}"):
            self._stage.close()


def held_back(stage: Stage[Any, Out]) -> Iterable[Out]:
    """What a stage that holds results back still has; see `Stage`."""
    finish: Callable[[], Iterable[Out]] | None = getattr(stage, "finish", None)
    return finish() if finish is not None else ()


def run_after_results(stage: Stage[Any, Any], place: str, observer: Observer) -> None:
    """Let a stage do on what no result waits, now that those of a place were handed on; see `Stage`."""
    after_results: Callable[[], None] | None = getattr(stage, "after_results", None)
    if after_results is None:
        return
    start = time.perf_counter()
    with noting(lambda: f"in the stage {stage.name} after its results{place}"):
        after_results()
    observer.record(stage.name, busy=time.perf_counter() - start)


def _first_error(work: Callable[[], None], close: Callable[[], None]) -> BaseException | None:
    """Do both, whatever happens; what went wrong first, with a note on the second."""
    first: BaseException | None = None
    for action in (work, close):
        try:
            action()
        except BaseException as error:
            if first is None:
                first = error
            else:
                first.add_note(f"closing failed, too: {error!r}")
    return first


def _finish(outbox: Channel[Any], error: BaseException | None) -> None:
    if not outbox.close(error) and error is not None:
        # What users can mend is a sentence here, too.
        traced = None if isinstance(error, EmotionError) else error
        _log.warning("Something else failed while the run was ending: %s", error, exc_info=traced)
