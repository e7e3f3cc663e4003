"""The threads of a pipeline at work: one reads the source, the others run a stage each, in order."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from emotion.models.errors import EmotionError
from emotion.realtime.monitoring.metrics import Observer
from emotion.realtime.pipeline.channel import Channel
from emotion.realtime.pipeline.notes import after, at, noting
from emotion.realtime.pipeline.stage import SOURCE, Stage, held_back, run_after_results
from emotion.realtime.pipeline.tee import close_source

In = TypeVar("In")
Out = TypeVar("Out")

_log = logging.getLogger(__name__)


class SourceWorker:
    """Iterates over the source in its own thread, and puts its items into a channel."""

    def __init__(self, source: Iterable[Any], outbox: Channel[Any], observer: Observer) -> None:
        self._source = source
        self._outbox = outbox
        self._observer = observer
        self._last: object = None

    def run(self) -> None:
        """Read the source to its end, and close it."""
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
    """One batch of a stage in the order of items: its results, or the error that ended its worker."""

    results: list[Out] = field(default_factory=list)
    done: bool = False
    error: BaseException | None = None


class Order(Generic[In, Out]):
    """Keeps the results of one stage's workers in the order of its items.

    A worker that is done before its turn leaves its results here and goes on; the worker with the first
    job hands on all that are ready. A worker never marks its last job as done, so that no result overtakes
    an error.
    """

    def __init__(
        self, inbox: Channel[In], outbox: Channel[Out], workers: int, capacity: int | None = None
    ) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._workers = workers
        self._jobs: deque[_Job[Out]] = deque()
        # Keeps the others from working ahead without end while one is slow.
        self._room = threading.Semaphore(workers + (workers if capacity is None else min(workers, capacity)))
        self._taking = threading.Lock()
        self._giving = threading.Lock()

    def take(self, job: _Job[Out], stage: Stage[In, Out]) -> list[In]:
        """Wait for a batch of a stage, and put `job` in its place; an empty list is the end."""
        self._room.acquire()
        with self._taking:
            self._jobs.append(job)
            return self._inbox.take(stage.batch, least=self._least(stage))

    def _least(self, stage: Stage[In, Out]) -> int:
        """How many items a stage waits for, see `Stage`."""
        if getattr(stage, "whole", False):
            return stage.batch
        return min(stage.batch, max(1, self._inbox.capacity)) if getattr(stage, "full", False) else 1

    def enter(self, job: _Job[Out]) -> None:
        """Put a job without items behind all that were taken: for an error between two batches."""
        self._room.acquire()
        with self._taking:
            self._jobs.append(job)

    def wait_until_idle(self) -> None:
        """Wait until there is time for work on which no result waits."""
        self._inbox.wait_until_idle()

    def give(self, job: _Job[Out]) -> None:
        """Mark a job as done, and hand on all results that are next in order."""
        job.done = True
        with self._giving:
            while self._jobs and self._jobs[0].done:
                self._hand_on(self._jobs.popleft())
                self._room.release()

    def leave(self) -> None:
        """End a worker, whose last job is not done; the last worker closes the outbox."""
        self._inbox.abort()
        self._room.release()
        with self._giving:
            self._workers -= 1
            if not self._workers:
                self._hand_on(self._jobs[0])
                _finish(self._outbox, next((job.error for job in self._jobs if job.error is not None), None))

    def _hand_on(self, job: _Job[Out]) -> None:
        results = deque(job.results)
        job.results.clear()
        while results:
            if not self._outbox.put(results.popleft()):
                self._inbox.abort()
                return


class Worker(Generic[In, Out]):
    """Runs one stage in its own thread."""

    def __init__(self, stage: Stage[In, Out], order: Order[In, Out], observer: Observer) -> None:
        self._stage = stage
        self._order = order
        self._observer = observer
        self._job: _Job[Out] = _Job()
        self._blocked = 0.0
        self._idle = 0.0

    def run(self) -> None:
        """Work until no items come any more, and close the stage."""
        self._job.error = _first_error(self._work, self._close)
        self._order.leave()

    def _work(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Process one batch; False when there are no more items."""
        job: _Job[Out] = _Job()
        self._job = job
        start = time.perf_counter()
        try:
            items = self._order.take(job, self._stage)
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
        if more := bool(items):
            place = at(items)
            # What is handed on is held no longer: pictures take megabytes.
            del items
            self._order.give(job)
            self._blocked = time.perf_counter() - done
            self._after_results(place)
        return more

    def _after_results(self, place: str) -> None:
        """Let the stage do its work after results when there is time for it."""
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
        """Add the results that the stage has held back."""
        with noting(lambda: f"at the end of the stage {self._stage.name}"):
            job.results.extend(held_back(self._stage))

    def _close(self) -> None:
        with noting(lambda: f"while closing the stage {self._stage.name}"):
            self._stage.close()


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
