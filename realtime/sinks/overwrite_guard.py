"""Keeps what is written apart from what is read, whatever names a file goes by."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from emotion.models.whole_files import partial_path
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
    sources = [path for path in reads if path is not None]
    taken: list[Path] = []
    for path in writes:
        if _is_special(path):
            continue
        places = _places(path)
        for place in places:
            if any(same_file(place, source) for source in sources):
                raise SinkError(f"{place} is being read: write the result to another name or folder.")
            if any(same_file(place, other) for other in taken):
                raise SinkError(f"{place} would be written twice: give each result a file of its own.")
        taken += places


def _places(path: Path) -> list[Path]:
    return [path] if not path.name or os.path.isdir(path) else [path, partial_path(path)]


def _is_special(path: Path) -> bool:
    try:
        return path.exists() and not (path.is_file() or path.is_dir())
    except OSError:
        return False


def same_file(first: Path, second: Path) -> bool:
    """Whether two paths name one file: through links, another spelling, also where there is none yet."""
    try:
        return _is_same(first, second)
    except (OSError, RuntimeError):  # not to be looked at, or links in a circle: said when it is opened
        return False


def _is_same(first: Path, second: Path) -> bool:
    if first.exists() and second.exists():
        return first.samefile(second)
    # A link that leads nowhere yet makes its file where it leads to.
    first, second = first.resolve(), second.resolve()
    if first == second:
        return True
    return _folded(first) == _folded(second) and _ignores_case(first.parent)


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _ignores_case(folder: Path) -> bool:
    """Whether names that differ in case only are one name there, as on macOS and Windows by default."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase())
        if place.exists() and other != place:
            return other.exists() and other.samefile(place)
    return False
