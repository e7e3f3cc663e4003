"""The base of sinks that write one file."""

from abc import abstractmethod
from pathlib import Path

from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.partial_file import PartialFile


class FileSink(Sink):
    """Finishes its file once: `close` publishes it, `abort` keeps the output so far under its partial name.

    Args:
        draft: the file, which is open already.
    """

    def __init__(self, draft: PartialFile) -> None:
        self._draft = draft
        self._kept: Path | None = None
        self._done = False

    @abstractmethod
    def _finish(self) -> None:
        """Write the rest of the complete file; raises SinkError."""

    @abstractmethod
    def _finish_part(self) -> bool:
        """Make the output so far a readable file; False: it is not worth keeping. Never raises."""

    def close(self) -> Path:
        """Finish the file and publish it; see `Sink.close`."""
        if not self._done:
            self._finish()
            self._kept = self._draft.publish()
            self._done = True
        return self._kept or self._draft.path

    def abort(self) -> Path | None:
        """Keep the partial file; see `Sink.abort`."""
        if not self._done:
            self._done = True
            if self._draft.is_whole or self._finish_part():
                self._kept = self._draft.keep()
            else:
                self._draft.discard()
        return self._kept
