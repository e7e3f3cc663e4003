"""A lazy value: computed once, in the thread that asks for it first."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Lazy(Generic[_T_co]):
    """A value that is computed at the first call; call it from any thread. The others wait for the first.

    Args:
        make: computes the value; called once, unless it raises, and freed then with all that it holds.
    """

    def __init__(self, make: Callable[[], _T_co]) -> None:
        self._make: Callable[[], _T_co] | None = make
        self._value: list[_T_co] = []
        self._lock = Lock()

    def __call__(self) -> _T_co:
        """The value; whatever computing it raises."""
        with self._lock:
            if self._make is not None:
                self._value.append(self._make())
                self._make = None
            return self._value[0]


def value_of(value: _T | Lazy[_T]) -> _T:
    """The value itself, whether it was computed already or is lazy."""
    return value() if isinstance(value, Lazy) else value
