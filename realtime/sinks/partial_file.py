"""Output files: under a partial name until they are complete, and never over an input."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TypeAlias

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError, advice_on
from emotion.realtime.sinks.overwrite_guard import keep_apart

Publish: TypeAlias = Callable[[Path, Path], None]
"""Renames a complete, closed file: called with its path and its final path."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR}
# libav does not say which: x264 fails alike with pictures that it cannot take, and without memory or threads.
_REFUSED = (
    "this video does not fit into an mp4, or there is too little memory or too few threads to encode it; "
    "convert it to H.264 with AAC sound first, or raise this program's limits."
)


@contextmanager
def writing(path: Path, *causes: type[Exception]) -> Iterator[None]:
    """Turn an OSError, or one of `causes`, into a SinkError that names the file and what to do.

    Args:
        path: the file, as the user knows it.
        causes: exceptions of an encoder.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, SinkError) or not isinstance(error, (OSError, *causes)):
            raise
        # Causes first: an encoder's error may be "operation not permitted".
        encoder = isinstance(error, causes) and not isinstance(error, MemoryError)
        advice = _REFUSED if encoder else f"{write_advice(error)}."
        reason = getattr(error, "strerror", None) or str(error)
        raise SinkError(f"{path} cannot be written ({reason}): {advice}") from error


class PartialFile:
    """A binary file that gets its final name when it is complete.

    Until then it is at `partial_path(path)`, so that an earlier result
    survives a failed run, and a truncated file does not look complete. A device or a pipe
    is written to directly.

    Attributes:
        path: the final path.
        working: the path that is written.
        file: open for writing, at its start.
        is_whole: it is completely written, and was renamed, or could not be.

    Raises:
        SinkError: it cannot be written there, or would overwrite `source`.
    """

    def __init__(self, path: Path, source: Path | None = None, publish: Publish = os.replace) -> None:
        self.path = path
        self._publish = publish
        self.is_whole = False
        with writing(path):
            in_place = path.exists() and not path.is_file()
        self.working = path if in_place else partial_path(path)
        keep_apart([source], [path])
        with writing(path):
            for place in (path, self.working):
                if place.is_dir():
                    raise SinkError(f"{place} cannot be written: a folder has this name; rename or move it.")
            # Unbuffered, because only its owner knows when bytes must be on the disk.
            self.file = FileIO(self.working, "wb")

    def append(self, data: bytes) -> None:
        """Write all of the data, or nothing, if the file can be truncated.

        Raises:
            SinkError: it cannot be written.
        """
        whole = self.file.tell()
        rest = memoryview(data)
        try:
            with writing(self.path):
                while rest:
                    rest = rest[self.file.write(rest) :]
        except SinkError:
            with suppress(OSError):  # not possible for devices, nor necessary
                self.file.seek(whole)
                self.file.truncate()
            raise

    def publish(self) -> Path:
        """Close the file and rename it; returns its path."""
        with writing(self.path):
            self.file.close()
            self.is_whole = True
            if self.working != self.path:
                self._publish(self.working, self.path)
        return self.path

    def keep(self) -> Path:
        """Close the file and keep it as a partial file. Returns its path."""
        with suppress(OSError):
            self.file.close()
        return self.working

    def discard(self) -> None:
        """Close the file and remove it; a device or pipe stays."""
        with suppress(OSError):
            self.file.close()
        if self.working != self.path:
            with suppress(OSError):
                self.working.unlink(missing_ok=True)


def write_advice(error: Exception) -> str:
    """What to do about a file that cannot be written; the end of a sentence."""
    code = getattr(error, "errno", None)
    if code in _FULL:
        return "make room on the disk or choose another folder"
    if code == errno.EFBIG:
        return "raise this program's limit ('ulimit -f'), or choose a disk that takes larger files"
    if code in _FORBIDDEN:
        return "choose a folder that may be written to"
    if code in _NO_FOLDER:
        return advice_on(error, "its folder is not there; make it or choose another one")
    return advice_on(error, "try another folder or name")
