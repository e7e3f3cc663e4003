"""The sources of results, so that results of other sources do not replace them.

Tables of many sources have the same names for any sources, and so have the results of two videos of
the same name. A summary therefore lists its sources: each relative to the summary, so that a folder may
be moved with its results, or by its address if the file is a copy; with its size and modification time.
Standard input has one address for any content, so its size is compared, too.
"""

import filecmp
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.models.names import escaped, readable
from emotion.models.words import counted

STANDARD_INPUT = "standard input"
"""The address of standard input."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Source:
    """A source of results.

    Attributes:
        path: of the file that is read.
        address: of the original if it is a copy; else empty.
        stamp: its size in bytes and modification time in nanoseconds; empty: the present ones.
    """

    path: Path
    address: str = ""
    stamp: str = ""

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return self.address or str(self.path)


def names_of(sources: Iterable[Source], summary: Path) -> dict[str, str]:
    """The entries for sources in a summary: by name, size and modification time, if known."""
    return {_name(one, summary): one.stamp or _stamp(one.path) for one in sources}


def named(names: Mapping[str, str], summary: Path) -> list[Source]:
    """The sources in a summary; see `names_of`."""
    return [
        Source(_place(name, summary), name if _is_address(name) else "", stamp)
        for name, stamp in names.items()
    ]


def missing(earlier: Mapping[str, str], sources: Sequence[Source], summary: Path) -> list[str]:
    """The sources of earlier results that are missing among others.

    A source is not missing if there is one of the same name, with any content (for standard input, of the
    same size); if it was moved or copied, by its name and size; and if it was removed from its folder, so
    that no row of it is expected any more.

    Args:
        earlier: from `names_of`.
        sources: the others.
        summary: where the earlier ones are listed.
    """
    now = names_of(sources, summary)
    left = [name for name in earlier if name not in now or _is_other_pipe(name, earlier[name], now[name])]
    if not left:
        return []
    alike: dict[str, list[Path]] = {}
    for one in sources:
        alike.setdefault(readable(one.path.name), []).append(one.path)
    return [
        name
        for name in left
        if not _is_removed(name, summary)
        and not any(
            _is_copy(name, earlier[name], path, summary) for path in alike.get(name.rpartition("/")[2], ())
        )
    ]


def describe_sources(names: Sequence[str], summary: Path) -> str:
    """Sources of a summary for a message: the first few, and the number of the others."""
    return _few([_shown(name, summary) for name in names[:_MOST_NAMED]], len(names))


def is_nameable(names: Iterable[str]) -> bool:
    """Whether a user can name the sources of a summary again: not if they came through a pipe."""
    return STANDARD_INPUT not in names


def called(sources: Sequence[Source]) -> str:
    """The same for sources to read."""
    return _few([one.shown for one in sources[:_MOST_NAMED]], len(sources))


def _few(first: Sequence[str], count: int) -> str:
    more = f" and {counted(count - len(first), 'more', 'more')}" if count > len(first) else ""
    return escaped(", ".join(first)) + more


def _name(source: Source, summary: Path) -> str:
    if source.address:
        return readable(source.address)
    try:
        return readable(Path(os.path.relpath(source.path, summary.parent)).as_posix())
    except ValueError:  # another drive on Windows
        return readable(source.path.absolute().as_posix())


def _place(name: str, summary: Path) -> Path:
    return Path(os.path.normpath(os.path.join(os.path.abspath(summary.parent), name)))


def _shown(name: str, summary: Path) -> str:
    place = _place(name, summary)
    here = place.is_relative_to(Path.cwd())
    if name == STANDARD_INPUT:
        return f"an earlier {name}"
    return name if _is_address(name) else str(place.relative_to(Path.cwd()) if here else place)


def _is_address(name: str) -> bool:
    return "://" in name or name == STANDARD_INPUT


def _is_other_pipe(name: str, stamp: str, now: str) -> bool:
    """Whether standard input has another size; its modification time is that of its copy."""
    return name == STANDARD_INPUT and _size(stamp) != _size(now)


def _size(stamp: str) -> str:
    return stamp.partition(" ")[0]


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def _is_removed(name: str, summary: Path) -> bool:
    """Whether a source was removed from an existing folder; a missing folder or disk may return later."""
    place = _place(name, summary)
    return not _is_address(name) and place.parent.is_dir() and not os.path.lexists(place)


def _is_copy(name: str, stamp: str, path: Path, summary: Path) -> bool:
    """Whether a file is a copy of a source: if both exist with different times, by their content."""
    now, place = _stamp(path), _place(name, summary)
    if not now or _size(now) != _size(stamp):
        return False
    try:
        return now == stamp or not place.exists() or filecmp.cmp(place, path, shallow=False)
    except OSError:
        return False
