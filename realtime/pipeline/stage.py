"""Stages of a pipeline: one step of its work each, without threads."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from emotion.realtime.monitoring.metrics import Observer
from emotion.realtime.pipeline.notes import noting

Out = TypeVar("Out")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

SOURCE = "source"
"""The name under which an observer hears of the source."""


class Stage(Protocol[In_contra, Out_co]):
    """One step of the work. It knows no threads: a pipeline calls it from one thread only.

    A stage may have more, all of it optional:

    - ``full: bool``: it is given whole batches, and fewer items only at the end, because they cost less
      together. Where the capacity of the pipeline is smaller than a batch, batches have that size;
    - ``whole: bool``: batches are never smaller, because results depend on what is given together;
    - ``finish()``: gives the results that the stage holds back until it knows what follows. It is called
      once, in the stage's thread, when no items come any more, also after an error. Such a stage has one
      worker only;
    - ``after_results()``: work on which no result waits. It is called in the stage's thread after the results
      of a batch were handed on; behind a `LatestSlot` when all results are out, or the next item is there. An
      error of it comes after these results, as an error of the stage.
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
"""A stage, or several equal ones that share its work, each in its own thread."""


def held_back(stage: Stage[Any, Out]) -> Iterable[Out]:
    """The results that a stage has held back; see `Stage`."""
    finish: Callable[[], Iterable[Out]] | None = getattr(stage, "finish", None)
    return finish() if finish is not None else ()


def run_after_results(stage: Stage[Any, Any], place: str, observer: Observer) -> None:
    """Call a stage's `after_results`, if it has one.

    Args:
        stage: its results were handed on.
        place: of these results, for notes on errors.
        observer: records how long it takes.
    """
    after_results: Callable[[], None] | None = getattr(stage, "after_results", None)
    if after_results is None:
        return
    start = time.perf_counter()
    with noting(lambda: f"in the stage {stage.name} after its results{place}"):
        after_results()
    observer.record(stage.name, busy=time.perf_counter() - start)
