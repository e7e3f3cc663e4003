"""Output files of a command: written atomically, and never over a user's own files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emotion.realtime.sinks.partial_file import PartialFile, writing
from emotion.realtime.sinks.result_ledger import Claim, ResultLedger, check_own
from emotion.realtime.sinks.result_sources import Source


class OwnFiles:
    """Results of a command in one folder, listed with their checksums in ``NAME.summary.json`` there.

    Args:
        folder: for them; it is made when they are written.
        names: of all that may be written.
        title: what they are of, and NAME.
        overwrite: replace existing files of any origin.
        sources: what they are made of.

    Raises:
        SinkError: something is there that is not this program's own, was changed since, or is of others.
    """

    def __init__(
        self,
        folder: Path,
        names: Iterable[str],
        title: str,
        overwrite: bool,
        sources: Sequence[Source] = (),
    ) -> None:
        self._folder = folder
        self._files = [folder / name for name in names]
        self._summary = folder / f"{title}.summary.json"
        self._title = title
        self._overwrite = overwrite
        self._claim = Claim(self._files, self._summary, title, sources, single=True)
        if not overwrite:
            check_own([self._claim])

    def all(self) -> tuple[Path, ...]:
        """Every file that may be written."""
        return (*self._files, self._summary)

    def write(self, contents: Mapping[str, str | bytes], more: Mapping[str, Any]) -> list[Path]:
        """Write files by their names, and the list of them; returns where they are.

        Args:
            contents: by name.
            more: additional entries of the list.

        Raises:
            SinkError: one cannot be written, or another run is writing here.
        """
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        ledger = ResultLedger(self._claim, self._overwrite)
        about = {"complete": True, "reasons": [], "video": {"name": self._title}, **more}
        try:
            paths = [self._write(ledger, self._folder / name, data) for name, data in contents.items()]
        except BaseException:
            ledger.keep(about | {"complete": False})
            raise
        ledger.finish(about)
        return paths

    def _write(self, ledger: ResultLedger, path: Path, data: str | bytes) -> Path:
        draft = PartialFile(path, publish=ledger.publish)
        try:
            draft.append(data.encode() if isinstance(data, str) else data)
        except BaseException:
            draft.discard()
            raise
        return draft.publish()
