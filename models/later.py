"""A value that is computed in the thread that asks for it first."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Later(Generic[_T_co]):
    """Call it for its value, from any thread: whoever comes first computes it, the others wait for that.

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


def now(value: _T | Later[_T]) -> _T:
    """A value that may be there, or come later."""
    return value() if isinstance(value, Later) else value
