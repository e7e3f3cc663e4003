"""A source that is read once, for two consumers."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Tee(Generic[T]):
    """A source each of whose items is also offered elsewhere, before the consumer gets it.

    Args:
        source: owned from here on: closed and aborted with this one, where it can be.
        offer: called with each item, in the thread that iterates. It must not wait.
        end: called once there are no more, before the source is closed.
    """

    def __init__(
        self, source: Iterable[T], offer: Callable[[T], object], end: Callable[[], object] = lambda: None
    ) -> None:
        self._source = source
        self._offer = offer
        self._end = end

    def __iter__(self) -> Iterator[T]:
        for item in self._source:
            self._offer(item)
            yield item

    def close(self) -> None:
        """Say that this is the end, and close the source."""
        self._end()
        close_source(self._source)

    def abort(self) -> None:
        """Make the source end, where it can be made to; see `Pipeline`."""
        abort = getattr(self._source, "abort", None)
        if abort is not None:
            abort()


def close_source(source: object) -> None:
    """Close what was iterated over, where it can be closed."""
    close = getattr(source, "close", None)
    if close is not None:
        close()
