"""Prevents outputs from overwriting inputs, also if a file has several names."""

import os
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError


def keep_apart(reads: Iterable[Path | None], writes: Iterable[Path]) -> None:
    """Refuse results that would overwrite their inputs, or one another.

    To be called before anything is opened for writing. Several results may be written to a device or
    pipe, which is not overwritten.

    Args:
        reads: files and folders that are read; None values are ignored.
        writes: the results. Their `partial_path` is checked, too.

    Raises:
        SinkError: two of them are the same file.
    """
    keep_apart_from(FileSet(path for path in reads if path is not None), writes)


def keep_apart_from(sources: "FileSet", writes: Iterable[Path]) -> None:
    """The same check for several results; see `keep_apart`."""
    taken = FileSet()
    for path in writes:
        if _is_special(path):
            continue
        places = _places(path)
        for place in places:
            if place in sources:
                raise SinkError(f"{place} is being read: write the result to another name or folder.")
            if place in taken:
                raise SinkError(f"{place} would be written twice: give each result a file of its own.")
        taken.add(*places)


def _places(path: Path) -> list[Path]:
    return [path] if not path.name or os.path.isdir(path) else [path, partial_path(path)]


def _is_special(path: Path) -> bool:
    try:
        return path.exists() and not (path.is_file() or path.is_dir())
    except OSError:
        return False


class FileSet:
    """A set of files, independent of their names, with look-up in constant time.

    Two paths are the same file if both lead to it, through links or by another spelling; for a missing file,
    if both would create it. An inaccessible path is none of them: opening it raises the
    error.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._there: set[tuple[int, int]] = set()
        self._resolved: dict[Path, bool] = {}  # and whether it exists
        self._folded: dict[str, list[Path]] = {}
        self.add(*paths)

    def add(self, *paths: Path) -> None:
        """Add files."""
        for path in paths:
            with suppress(OSError, RuntimeError):
                found = _identity(path)
                resolved = path.resolve()
                if found is not None:
                    self._there.add(found)
                self._resolved[resolved] = self._resolved.get(resolved, False) or found is not None
                self._folded.setdefault(_folded(resolved), []).append(resolved)

    def __contains__(self, path: Path) -> bool:
        try:
            found = _identity(path)
            if found is not None and found in self._there:
                return True
            # Writing through a dangling link creates its target.
            resolved = path.resolve()
            if resolved in self._resolved:
                return not (found is not None and self._resolved[resolved])
            like = self._folded.get(_folded(resolved), ())
            open_ = [one for one in like if found is None or not self._resolved[one]]
            return bool(open_) and _ignores_case(resolved.parent)
        except (OSError, RuntimeError):
            return False


def _identity(path: Path) -> tuple[int, int] | None:
    """The identity of a file, the same for all its names; None if it does not exist."""
    if not os.path.exists(path):
        return None
    found = path.stat()
    return found.st_dev, found.st_ino


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _ignores_case(folder: Path) -> bool:
    """Whether the file system ignores case, the default of macOS and Windows."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase())
        if place.exists() and other != place:
            return other.exists() and other.samefile(place)
    return False
