"""Notes on errors: in which stage, and at which frame."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def noting(place: Callable[[], str]) -> Iterator[None]:
    """Add a note on the place to whatever is raised; the place is worked out only then."""
    try:
        yield
    except BaseException as error:
        error.add_note(place())
        raise


def at(items: Sequence[object]) -> str:
    """Which frames a batch is of; empty where its items do not say so."""
    first, last = _index(items[0]), _index(items[-1])
    if first is None or last is None:
        return ""
    return f", at frame {first}" if first == last else f", at frames {first} to {last}"


def after(item: object) -> str:
    """The frame that was the last one; empty where it does not say so."""
    index = _index(item)
    return "" if index is None else f", after frame {index}"


def _index(item: object) -> int | None:
    for holder in (item, getattr(item, "frame", None)):
        index = getattr(holder, "index", None)
        if isinstance(index, int):
            return index
    return None
