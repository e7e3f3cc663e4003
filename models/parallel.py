"""Independent tasks on all cores, including the caller's thread."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class ThreadPool(Executor):
    """A pool whose threads are started on first use, and again in a forked child.

    A fork copies a pool, but not its threads: work that a child gave to the copy would wait for ever.

    Args:
        count: of threads at most.
        name: that theirs begin with.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name = count, name
        self._begin()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As of every executor."""
        if self._process != os.getpid():
            self._begin()
        return self._pool.submit(work, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As of every executor."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _begin(self) -> None:
        self._process, self._pool = os.getpid(), ThreadPoolExecutor(self._count, self._name)


def parallel_map(pool: Executor, work: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
    """The results of `work` for each item, in order.

    A single item is processed in the caller's thread, without waiting for others.

    Args:
        pool: of threads; those that submit their own work to it must not wait for that.
        work: is called from several threads at once.
        items: any number.
    """
    if not items:
        return []
    others = [pool.submit(work, item) for item in items[1:]]
    first = work(items[0])
    return [first, *(other.result() for other in others)]
