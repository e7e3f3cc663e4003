"""What is closed at the end of its `with`."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Base of classes with a ``close()``, which the end of a ``with`` block calls, however it ends."""

    @abstractmethod
    def close(self) -> None:
        """Let go of all that it holds. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
