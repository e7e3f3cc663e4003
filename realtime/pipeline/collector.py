"""Collects results in a separate thread, as soon as they come."""

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from emotion.realtime.pipeline.failures import Failures
from emotion.realtime.pipeline.tee import close_source

T = TypeVar("T")


class Collector(Generic[T]):
    """Iterates over results in a thread, from its construction on, and gives each to a listener.

    Args:
        results: what to iterate over; closed in the end, where it can be, whatever happens.
        listen: called with each result, in the thread. What it raises ends the thread, as an error of
            the results does; `raise_failure` tells.
    """

    def __init__(self, results: Iterable[T], listen: Callable[[T], object]) -> None:
        self._results = results
        self._listen = listen
        self._failures = Failures()
        self._thread = threading.Thread(target=self._run, name="collect", daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until all results have been given, so many seconds at most."""
        if threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    def raise_failure(self) -> None:
        """Raise what ended it early, once: the very object. Otherwise do nothing."""
        self._failures.raise_first()

    def _run(self) -> None:
        try:
            for result in self._results:
                self._listen(result)
                # Not kept, with its picture, while waiting for the next.
                del result
        except BaseException as error:
            self._failures.add(error)
        finally:
            close_source(self._results)
