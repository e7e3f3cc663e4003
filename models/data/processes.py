"""Work on many items in separate processes: one that dies costs only its item."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

from emotion.models.errors import DatasetError, machine_advice

Item = TypeVar("Item")
Result = TypeVar("Result")

# Spawned, not forked: a fork of a process with threads may wait for ever for a lock that one of them held.
_FRESH = partial(ProcessPoolExecutor, mp_context=get_context("spawn"))
# Items that are handed to a process together.
_CHUNK = 16
# Windows cannot wait for more.
_MOST_PROCESSES = 61 if sys.platform == "win32" else 1024
# If so many in a row crash their process, the items are not the cause.
_MOST_DEATHS = 5


def in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    start: Callable[[], object],
    pool: Callable[..., Any] = _FRESH,
) -> Iterator[Result | None]:
    """The results of a function for each item, in order; None if native code crashed the process.

    Args:
        function: can be pickled.
        items: its arguments.
        workers: how many processes.
        start: called once in each.
        pool: as `ProcessPoolExecutor`; by default one of new processes.

    Raises:
        DatasetError: the processes crash with any item, or none can be started here.
        BaseException: an exception of the function.
    """
    done = deaths = 0
    alone = 0  # so many of the next are tried one by one, since one of them crashed its process
    while done < len(items):
        batch = items[done : done + alone] if alone else items[done:]
        with _started(
            partial(pool, 1 if alone else min(workers, _MOST_PROCESSES), initializer=start)
        ) as processes:
            try:
                for result in processes.map(function, batch, chunksize=1 if alone else _CHUNK):
                    done, deaths = done + 1, 0
                    yield result
                alone = 0
                continue
            except BrokenProcessPool as error:
                if deaths == _MOST_DEATHS:
                    raise DatasetError(
                        "The processes that analyse pictures end unexpectedly, whichever picture it is: "
                        "try fewer of them, or see 'emotion doctor'."
                    ) from error
        if alone:
            done, deaths = done + 1, deaths + 1
            yield None
        alone = _CHUNK * workers


def _started(pool: Callable[[], Any]) -> Any:
    try:
        return pool()
    except (ImportError, OSError) as error:  # as from semaphores, which Linux keeps in /dev/shm
        advice = (
            machine_advice(error) or "a container must have shared memory that can be written to, /dev/shm"
        )
        raise DatasetError(
            f"No process can be started that analyses pictures ({error}): {advice}."
        ) from error
