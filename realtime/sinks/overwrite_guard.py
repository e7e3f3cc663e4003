"""Prevents outputs from overwriting inputs, also where a file has several names."""

import os
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError


def keep_apart(reads: Iterable[Path | None], writes: Iterable[Path]) -> None:
    """Refuse results that would destroy what they are made from, or one another.

    To be called before anything is opened for writing. What is no regular file (a device, a pipe) may be
    written to by several and is not destroyed.

    Args:
        reads: files and folders that are read; None for what is not given.
        writes: the results. While they are made they lie at `partial_path` too.

    Raises:
        SinkError: two of them are the same file.
    """
    keep_apart_from(FileSet(path for path in reads if path is not None), writes)


def keep_apart_from(sources: "FileSet", writes: Iterable[Path]) -> None:
    """The same, where several are kept apart from what is read; see `keep_apart`."""
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
    """Files, by whatever names they go; looking for one takes the same time however many they are.

    Two paths name one file where both lead to it, through links or by another spelling; where there is none
    yet, where both would make it. A path that cannot be looked at is none of them: that is said when it is
    opened.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._there: set[tuple[int, int]] = set()
        self._resolved: dict[Path, bool] = {}  # and whether it is there
        self._folded: dict[str, list[Path]] = {}
        self.add(*paths)

    def add(self, *paths: Path) -> None:
        """Take more."""
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
            # A link that leads nowhere yet makes its file where it leads to.
            resolved = path.resolve()
            if resolved in self._resolved:
                return not (found is not None and self._resolved[resolved])
            like = self._folded.get(_folded(resolved), ())
            open_ = [one for one in like if found is None or not self._resolved[one]]
            return bool(open_) and _ignores_case(resolved.parent)
        except (OSError, RuntimeError):
            return False


def _identity(path: Path) -> tuple[int, int] | None:
    """What is the same of all names of a file; None where there is none."""
    if not os.path.exists(path):
        return None
    found = path.stat()
    return found.st_dev, found.st_ino


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _ignores_case(folder: Path) -> bool:
    """Whether names that differ in case only are one name there, as on macOS and Windows by default."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase())
        if place.exists() and other != place:
            return other.exists() and other.samefile(place)
    return False
