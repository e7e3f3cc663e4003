"""A source and a row of stages in the caller's own thread, one item after the other."""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.pipeline.notes import at, noting
from emotion.realtime.pipeline.stage import SOURCE, Stage, Step, held_back, run_after_results
from emotion.realtime.pipeline.tee import close_source

T = TypeVar("T")


class InlinePipeline(Generic[T]):
    """What `Pipeline` does, without threads: iterate over it for the results, in order.

    Each item goes through all stages before the next one is asked for. Where only the newest item
    counts, it is done sooner so than when it waits in line between threads. What stages do afterwards they do
    when the next result is asked for. The end, an error and `close` close the source and the stages. Not
    thread-safe.

    Args:
        source: what to iterate over; closed in the end, where it can be.
        stages: in order; of several workers the first works alone.
        observer: of the source and of each stage.
    """

    def __init__(self, source: Iterable[Any], stages: Sequence[Step], *, observer: Observer = SILENT) -> None:
        self._source = source
        self._stages = [step[0] if isinstance(step, Sequence) else step for step in stages]
        self._closed = False
        observer.begin([SOURCE, *(stage.name for stage in self._stages)])
        self._results: Generator[T, None, None] = _results(source, self._stages, observer)

    def __iter__(self) -> "InlinePipeline[T]":
        return self

    def __next__(self) -> T:
        try:
            return next(self._results)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Free what the source and the stages hold. May be called again."""
        if self._closed:
            return
        self._closed = True
        self._results.close()
        try:
            close_source(self._source)
        finally:
            for stage in self._stages:
                stage.close()


def _results(
    source: Iterable[Any], stages: Sequence[Stage[Any, Any]], observer: Observer
) -> Generator[Any, None, None]:
    failures: list[Exception] = []
    items = iter(source)
    mark = time.perf_counter()
    # No reference to the picture is kept here while the caller uses its result.
    while batch := _next(items, failures):
        observer.record(SOURCE, given=1, busy=time.perf_counter() - mark)
        place, worked = at(batch), []
        for stage in stages:
            worked += [stage] if batch else []
            batch = _through(stage, batch, observer)
        while batch:
            yield batch.pop(0)
        for stage in worked:
            run_after_results(stage, place, observer)
        mark = time.perf_counter()
    for number, stage in enumerate(stages, start=1):
        batch = list(held_back(stage))
        for later in stages[number:]:
            batch = _through(later, batch, observer)
        while batch:
            yield batch.pop(0)
    if failures:
        raise failures.pop()


def _next(items: Iterator[Any], failures: list[Exception]) -> list[Any]:
    """The source's next item, or nothing: its error waits for the results that precede it."""
    try:
        return [next(items)]
    except StopIteration:
        return []
    except Exception as error:
        failures.append(error)
        return []


def _through(stage: Stage[Any, Any], batch: Sequence[Any], observer: Observer) -> list[Any]:
    start = time.perf_counter()
    with noting(lambda: f"in the stage {stage.name}{at(batch)}"):
        results = list(stage.process(batch)) if batch else []
    observer.record(stage.name, taken=len(batch), given=len(results), busy=time.perf_counter() - start)
    return results
