"""Where results go. The caller draws a frame once and gives it to each of its sinks."""

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from models.regions import Image
from realtime.frames import EmotionFrame


class Sink(ABC):
    """Takes results in the order of their frames.

    As a context manager it is closed at the end, and aborted when an exception passes. `close`
    and `abort` may be called again after either.
    """

    @abstractmethod
    def write(self, result: EmotionFrame, image: Image) -> None:
        """Take one frame.

        Args:
            result: what is thought of it.
            image: the annotated picture, uint8 (h, w, 3), BGR; it may be reused afterwards.

        Raises:
            SinkError: it cannot be written. What was written before stays; call `abort`.
        """

    @abstractmethod
    def close(self) -> Path:
        """The source has ended: finish the file and return where it is.

        Raises:
            SinkError: it cannot be finished; call `abort`.
        """

    @abstractmethod
    def abort(self) -> Path | None:
        """The run ends early: keep what there is as `drafts.partial_path` says, and return where.

        Never raises. None where nothing worth keeping was written.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException:
            self.abort()
            raise
