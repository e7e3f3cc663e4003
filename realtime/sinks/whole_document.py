"""The base of formats that are written at once, at the end of the stream."""

from abc import abstractmethod
from pathlib import Path

from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.partial_file import PartialFile


class WholeDocument(Sink):
    """Keeps what it needs in memory and writes its file at the end; of a run that ends early, as a part.

    Args:
        draft: where it goes.
    """

    def __init__(self, draft: PartialFile) -> None:
        self._draft = draft
        self._kept: Path | None = None
        self._done = False

    @abstractmethod
    def _document(self, part: bool) -> bytes:
        """The file's content; `part`: the run ended early, and other results are parts as well."""

    @abstractmethod
    def _is_worth_keeping(self) -> bool:
        """Whether what is there when a run ends early makes a file."""

    def close(self) -> Path:
        """Write the file; see `Sink.close`."""
        if not self._done:
            self._draft.append(self._document(part=False))
            self._kept = self._draft.publish()
            self._done = True
        return self._kept or self._draft.path

    def abort(self) -> Path | None:
        """Write what there is, as a part; see `Sink.abort`."""
        if not self._done:
            self._done = True
            self._kept = self._keep()
        return self._kept

    def _keep(self) -> Path | None:
        if self._draft.is_whole:
            return self._draft.keep()
        if self._is_worth_keeping():
            try:
                self._draft.append(self._document(part=True))
                return self._draft.keep()
            except SinkError:
                pass
        self._draft.discard()
        return None
