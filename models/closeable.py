"""Objects that the end of a `with` block closes."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closeable(ABC):
    """Base of classes with a ``close()``, which the end of a ``with`` block calls, with an error too."""

    @abstractmethod
    def close(self) -> None:
        """Free all that it holds. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
