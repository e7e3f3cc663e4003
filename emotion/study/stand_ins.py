"""Local paths that represent files in stores, so that a study handles both in the same way."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from emotion import stores
from emotion.fetching import is_stored
from emotion.models.errors import EmotionError

# Replaces the first slash of an address without a host, such as local:///tmp.
_ROOT = "%2F"


class StandIns:
    """A temporary folder of them; only files that are needed to write the study are fetched.

    An error that leaves their context contains addresses in place of the temporary paths.
    """

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, EmotionError):
            error.args = (self.with_addresses(str(error)), *error.args[1:])
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def of(self, address: str) -> Path:
        """The path that represents an address; it does not exist, but may be created as a folder."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="emotion-")
        scheme, _, place = address.partition("://")
        parts = [part for part in place.split("/") if part not in ("", "..")]
        return Path(self._folder.name, scheme, *([_ROOT] if place.startswith("/") else []), *parts)

    def address(self, path: Path) -> str:
        """The address of a file for any machine: a store's address, or the path itself."""
        if self._folder is not None and path.is_relative_to(self._folder.name):
            scheme, *parts = path.relative_to(self._folder.name).parts
            root = "/" if parts[:1] == [_ROOT] else ""
            return f"{scheme}://{root}{'/'.join(parts[bool(root) :])}"
        return str(path.absolute())

    def with_addresses(self, sentence: str) -> str:
        """A message with addresses in place of the paths that represent them."""
        if self._folder is None:
            return sentence
        path = rf"{re.escape(self._folder.name)}[/\\]([^/\\]+)[/\\]({_ROOT}[/\\])?"
        return re.sub(path, lambda found: f"{found[1]}://{'/' if found[2] else ''}", sentence)

    def check(self, folder: Path) -> None:
        """Check that results can be written to the address of a folder.

        Raises:
            SinkError: the store does not allow it.
        """
        if is_stored(home := self.address(folder)):
            stores.check_takes(home)

    def bring(self, folder: Path, names: Sequence[str]) -> None:
        """Fetch the existing files of a folder, if it represents one in a store.

        Raises:
            SourceError: the store cannot be queried.
        """
        for name, address in self._stored(folder, names):
            if stores.find(address) is not None:
                folder.mkdir(parents=True, exist_ok=True)
                stores.fetch(address, folder / name)

    def take(self, folder: Path, names: Sequence[str]) -> None:
        """Upload the existing files of a folder into the store that it represents.

        Raises:
            SinkError: an upload failed.
        """
        for name, address in self._stored(folder, names):
            if (folder / name).is_file():
                stores.put(folder / name, address)

    def _stored(self, folder: Path, names: Sequence[str]) -> list[tuple[str, str]]:
        home = self.address(folder)
        return [(name, stores.below(home, name)) for name in names] if is_stored(home) else []
