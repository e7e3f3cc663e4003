"""Metrics of the stages of a pipeline: items in, out and dropped, and times."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeAlias

Quantiles: TypeAlias = Callable[[], Mapping[float, float]]
"""Returns seconds by quantile, such as {0.5: 0.03, 0.95: 0.06}; empty before the first."""


class Observer:
    """Receives the events of a pipeline. This one ignores them; derive from it to use them.

    The pipeline calls it from its worker threads. Its exceptions end the run, like a stage's error.
    """

    def begin(self, stages: Sequence[str]) -> None:
        """A pipeline is about to start; `stages` are the names in order, the source first."""

    def record(
        self,
        stage: str,
        *,
        taken: int = 0,
        given: int = 0,
        dropped: int = 0,
        waiting: float = 0.0,
        busy: float = 0.0,
        blocked: float = 0.0,
    ) -> None:
        """One worker has finished one step.

        Args:
            stage: its name.
            taken, given: number of input items and of results.
            dropped: number of items dropped because the next stage was too slow.
            waiting, busy, blocked: seconds of waiting for items, of work, and of passing on
                the results of the previous step.
        """


SILENT = Observer()
"""The observer that does nothing."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """The metrics of one stage so far; counts and seconds are as in `Observer.record`.

    A stage with several workers has the sum of theirs, so its seconds may exceed the elapsed time.

    Attributes:
        batches: histogram of batch sizes, as (size, count), smallest first.
    """

    name: str
    taken: int
    given: int
    dropped: int
    waiting: float
    busy: float
    blocked: float
    batches: tuple[tuple[int, int], ...]

    @property
    def mean_batch(self) -> float:
        """The mean batch size; 0 before the first."""
        count = sum(count for _, count in self.batches)
        return self.taken / count if count else 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The metrics of a pipeline so far.

    Attributes:
        seconds: since it started.
        stages: in order, the source first.
    """

    seconds: float
    stages: tuple[StageReport, ...]

    def __getitem__(self, name: str) -> StageReport:
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)


class Metrics(Observer):
    """The observer that accumulates metrics, also over several runs of the same stages, one after another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._started = time.perf_counter()
        self._tallies: dict[str, _Tally] = {}

    def begin(self, stages: Sequence[str]) -> None:
        """Start the clock, once, and fix the order of the report."""
        with self._lock:
            if not self._tallies:
                self._started = time.perf_counter()
            for name in stages:
                self._tallies.setdefault(name, _Tally())

    def record(
        self,
        stage: str,
        *,
        taken: int = 0,
        given: int = 0,
        dropped: int = 0,
        waiting: float = 0.0,
        busy: float = 0.0,
        blocked: float = 0.0,
    ) -> None:
        """Add one step."""
        with self._lock:
            tally = self._tallies.setdefault(stage, _Tally())
            tally.taken += taken
            tally.given += given
            tally.dropped += dropped
            tally.waiting += waiting
            tally.busy += busy
            tally.blocked += blocked
            if taken:
                tally.batches[taken] += 1

    def snapshot(self) -> Snapshot:
        """The metrics so far; may be called at any time, from any thread."""
        with self._lock:
            seconds = time.perf_counter() - self._started
            return Snapshot(seconds, tuple(tally.report(name) for name, tally in self._tallies.items()))


@dataclass(slots=True)
class _Tally:
    taken: int = 0
    given: int = 0
    dropped: int = 0
    waiting: float = 0.0
    busy: float = 0.0
    blocked: float = 0.0
    batches: Counter[int] = field(default_factory=Counter)

    def report(self, name: str) -> StageReport:
        return StageReport(
            name,
            self.taken,
            self.given,
            self.dropped,
            self.waiting,
            self.busy,
            self.blocked,
            tuple(sorted(self.batches.items())),
        )
