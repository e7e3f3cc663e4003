"""The base of formats that are written as a whole, at the end of the stream."""

from abc import abstractmethod

from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.file_sink import FileSink


class WholeDocument(FileSink):
    """Accumulates data in memory and writes its file at the end; if a run ends early, as a partial file."""

    @abstractmethod
    def _document(self, part: bool) -> bytes:
        """The file's content; `part`: the run ended early, and other results are partial as well."""

    @abstractmethod
    def _is_worth_keeping(self) -> bool:
        """Whether the data of a run that ends early are enough for a file."""

    def _finish(self) -> None:
        self._draft.append(self._document(part=False))

    def _finish_part(self) -> bool:
        if not self._is_worth_keeping():
            return False
        try:
            self._draft.append(self._document(part=True))
        except SinkError:
            return False
        return True
