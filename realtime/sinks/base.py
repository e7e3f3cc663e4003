"""The interface of sinks. The caller draws a frame once; `emotion.realtime.sinks.fanout` distributes it."""

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame


class Sink(ABC):
    """Takes results in the order of their frames.

    As a context manager it is closed at the end, and aborted when an exception passes. `close`
    and `abort` may be called again after either.
    """

    @abstractmethod
    def write(self, result: EmotionFrame, image: Image) -> None:
        """Take one frame.

        Args:
            result: of the frame.
            image: the annotated picture, uint8 (h, w, 3), BGR. Other sinks see the same one, so it
                is only read.

        Raises:
            SinkError: it cannot be written. Earlier output is kept; call `abort`.
            BrokenPipeError: the viewer has left; there is nothing more to do.
        """

    @abstractmethod
    def close(self) -> Path | None:
        """The source has ended: finish, and return where the file is, if it is one.

        Raises:
            SinkError: it cannot be finished; call `abort`.
        """

    @abstractmethod
    def abort(self) -> Path | None:
        """The run ends early: keep the output so far at `partial_file.partial_path`, and return its path.

        Never raises. None if nothing worth keeping was written.
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
