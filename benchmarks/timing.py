"""Measures time, processor time and memory."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
import psutil

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Timing:
    """The cost of one step per frame, in milliseconds.

    Attributes:
        name: of the step.
        frames: number of measured frames.
        mean, p50, p95, p99: of elapsed time.
        cpu: processor time of all threads.
    """

    name: str
    frames: int
    mean: float
    p50: float
    p95: float
    p99: float
    cpu: float


def quantiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Median, 95th and 99th percentile in milliseconds."""
    p50, p95, p99 = 1000 * np.percentile(np.array(seconds, dtype=np.float64), (50, 95, 99))
    return float(p50), float(p95), float(p99)


def time_each(name: str, work: Callable[[In], Out], items: Iterable[In]) -> tuple[list[Out], Timing]:
    """Do the work for each item, one after the other.

    Returns:
        The results, and their timing.
    """
    results, seconds = [], []
    cpu = time.process_time()
    for item in items:
        start = time.perf_counter()
        results.append(work(item))
        seconds.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    return results, timing(name, seconds, cpu)


def timing(name: str, seconds: Sequence[float], cpu: float) -> Timing:
    """Sum up single times and the processor time of all of them."""
    count = max(len(seconds), 1)
    return Timing(
        name, len(seconds), 1000 * sum(seconds) / count, *quantiles(seconds or [0.0]), 1000 * cpu / count
    )


@dataclass(slots=True)
class Usage:
    """Time, processor time and memory of this process while a ``with`` block runs.

    Attributes:
        seconds, cpu_seconds: of the block.
        peak_mib: the most memory in use meanwhile, sampled.
        samples: (seconds since the beginning, MiB), a row a sample.
    """

    interval: float = 0.05
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    samples: list[tuple[float, float]] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _marks: tuple[float, float] = (0.0, 0.0)

    def __enter__(self) -> Self:
        self._marks = (time.perf_counter(), time.process_time())
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        start, cpu = self._marks
        self.seconds = time.perf_counter() - start
        self.cpu_seconds = time.process_time() - cpu
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._done.wait(self.interval):
            self._sample()

    def _sample(self) -> None:
        mib = psutil.Process().memory_info().rss / 2**20
        self.peak_mib = max(self.peak_mib, mib)
        self.samples.append((time.perf_counter() - self._marks[0], mib))
