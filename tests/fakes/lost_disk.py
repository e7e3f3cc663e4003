"""A disk that is pulled out, or a folder of the network that goes away, while files on it are used."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from typing import Any


class LostDisk:
    """Files that can be used until they are lost; from then on all fails with an error of the system.

    Args:
        code: which error, of `errno`.

    Attributes:
        is_lost: whether they are.
    """

    def __init__(self, code: int) -> None:
        self.code, self.is_lost = code, False
        self._open = ExitStack()

    def __enter__(self) -> "LostDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def read_only(self, path: Path, *_: Any) -> "_Lost":
        """A file of it, to be read; in the place of `opening._place`."""
        return self._open.enter_context(_Lost(self, path, "rb"))

    def writable(self, only: Callable[[Path], bool]) -> Callable[..., FileIO]:
        """Opens files of it, to be written, where `only` says so; in the place of `FileIO`."""
        return lambda path, mode: _Lost(self, path, mode) if only(Path(path)) else FileIO(path, mode)

    def lose(self) -> None:
        """Now."""
        self.is_lost = True

    def check(self) -> None:
        """Fail where it is lost."""
        if self.is_lost:
            raise OSError(self.code, os.strerror(self.code))


class _Lost(FileIO):
    def __init__(self, disk: LostDisk, path: Path, mode: str) -> None:
        super().__init__(path, mode)
        self._disk = disk

    def read(self, size: int | None = -1, /) -> bytes:
        self._disk.check()
        return super().read(size) or b""

    def write(self, data: Any, /) -> int:
        self._disk.check()
        return super().write(data)
