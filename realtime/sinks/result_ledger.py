"""The ledger of this program's results: the summary beside them lists them, with checksums.

::

    clip.summary.json           of a complete run: lists its results
    clip.summary.partial.json   of a running or interrupted run: lists complete and partial results

Existing files are only replaced if such a list names them, they are unchanged, and they are results of the
same video; and only by results of the same sources or more, see `result_sources`. A result is listed before
it gets its final name, so that a killed run leaves no unlisted files.
"""

import hashlib
import itertools
import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple, Self

from emotion.models.atomic_files import partial_path
from emotion.models.names import escaped, readable
from emotion.models.small_files import read_json
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.partial_file import writing
from emotion.realtime.sinks.result_sources import (
    Source,
    called,
    describe_sources,
    is_nameable,
    missing,
    names_of,
)

# Bytes that are reserved at the start, so that the summary can be written on a full disk.
_RESERVED = 1 << 16
_ENDING = ".summary.json"
_CHECKSUM = "checksum"
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Entry:
    """Size and checksum of a result when it got its final name."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        found = path.stat()
        return cls(found.st_size, _sha256(path, found.st_size, found.st_mtime_ns, found.st_ino))

    def is_of(self, path: Path) -> bool:
        try:
            return path.stat().st_size == self.bytes and _Entry.of(path) == self
        except OSError:
            return False


@dataclass(slots=True)
class _List:
    """The list of results in a summary.

    Attributes:
        video: the name of the video.
        results: by path relative to the summary.
        earlier: results of earlier runs that still exist.
        parts: paths of partial results.
        sources: of the results, see `result_sources`; empty in summaries of earlier releases.
    """

    video: str
    results: dict[str, _Entry] = field(default_factory=dict)
    earlier: dict[str, _Entry] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "_List | None":
        """The list in a summary; None if it was not written by this program, or was changed since."""
        try:
            values = read_json(path)
            if values.pop(_CHECKSUM) != _checksum(values):
                return None
            results, earlier = (_entries(values[key]) for key in ("results", "earlier"))
            name, sources = readable(values["video"]["name"]), dict(values.get("sources", {}))
            return cls(name, results, earlier, list(values["parts"]), sources)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def knows(self, name: str, path: Path) -> bool:
        entry = self.results.get(name) or self.earlier.get(name)
        return entry is not None and entry.is_of(path)


class Claim(NamedTuple):
    """Results to write.

    Attributes:
        files: the results, without the summary.
        summary: its path.
        video: the name of the video.
        sources: of the results; if there are none, existing results of any sources are replaced.
        single: such results have one source.
    """

    files: Sequence[Path]
    summary: Path
    video: str
    sources: Sequence[Source] = ()
    single: bool = False


def _entries(values: Mapping[str, Any]) -> dict[str, _Entry]:
    return {name: _Entry(**entry) for name, entry in values.items()}


class ResultLedger:
    """Keeps the list of a run's results, and gives each its final name.

    Args:
        claim: the results with their sources.
        overwrite: replace existing files of any origin.

    Raises:
        SinkError: a file would be replaced that may not be, see `check_own`; another run is writing the same
            results; or the folder cannot be written to.
    """

    def __init__(self, claim: Claim, overwrite: bool = False) -> None:
        if not overwrite:
            check_own([claim])
        summary = claim.summary
        self._summary = summary
        self._lock = threading.Lock()
        with writing(summary):
            self._journal = _open_alone(partial_path(summary))
        try:
            before = [one for one in map(_List.read, (summary, partial_path(summary))) if one]
            self._list = _List(
                readable(claim.video),
                earlier=self._found(before),
                parts=sorted(_name(path, summary) for path in _parts(claim.files, summary)),
                sources=names_of(claim.sources, summary),
            )
            for part in {part for one in before for part in one.parts}:
                with suppress(OSError):
                    (summary.parent / part).unlink(missing_ok=True)
            with writing(summary):
                self._write(self._journaled(), room=_RESERVED)
        except BaseException:
            self._journal.close()
            raise

    def publish(self, working: Path, path: Path) -> None:
        """List a complete file, and give it its final name.

        Raises:
            OSError: it cannot be written.
        """
        entry = _Entry.of(working)
        with self._lock:
            self._list.results[_name(path, self._summary)] = entry
            self._write(self._journaled(), room=_RESERVED)
        os.replace(working, path)

    def finish(self, values: Mapping[str, Any]) -> Path:
        """Write the summary of a complete run; returns its path.

        Raises:
            SinkError: it cannot be written.
        """
        with writing(self._summary):
            self._list.parts.clear()
            for name in self._list.results:
                self._list.earlier.pop(name, None)
            whole = self._with_list(values)
            # In another file, because the journal is needed until the summary exists.
            made = partial_path(partial_path(self._summary))
            try:
                made.write_text(whole, encoding="ascii")
                os.replace(made, self._summary)
                self._remove_journal()
            except OSError:
                with suppress(OSError):
                    made.unlink(missing_ok=True)
                # On a full disk the reserved bytes of the journal suffice.
                self._write(whole)
                self._journal.close()
                os.replace(partial_path(self._summary), self._summary)
        return self._summary

    def keep(self, values: Mapping[str, Any]) -> Path | None:
        """Write the summary of an interrupted run, as a partial file; None if there are no results.

        Raises:
            SinkError: it cannot be written.
        """
        folder = self._summary.parent
        with writing(self._summary):
            self._list.parts = [name for name in self._list.parts if (folder / name).exists()]
            if not self._list.parts and not self._list.results:
                self._remove_journal()
                return None
            self._write(self._with_list(values))
            self._journal.close()
        return partial_path(self._summary)

    def _found(self, before: Sequence[_List]) -> dict[str, _Entry]:
        """Results of earlier runs that are unchanged."""
        entries = [pair for one in before for pair in (*one.earlier.items(), *one.results.items())]
        return {name: entry for name, entry in entries if entry.is_of(self._summary.parent / name)}

    def _journaled(self) -> str:
        return self._with_list({"complete": False, "reasons": [], "video": {"name": self._list.video}})

    def _with_list(self, values: Mapping[str, Any]) -> str:
        listed = asdict(self._list)
        del listed["video"]
        listed["results"] = dict(sorted(listed["results"].items()))  # independent of the order of completion
        return _signed({**values, **listed})

    def _write(self, text: str, room: int = 0) -> None:
        """Overwrite the journal, padded with spaces to the reserved size."""
        data = memoryview(text.ljust(room).encode("ascii"))
        size = len(data)
        self._journal.seek(0)
        while data:
            data = data[self._journal.write(data) :]
        self._journal.truncate(size)

    def _remove_journal(self) -> None:
        try:
            partial_path(self._summary).unlink(missing_ok=True)
            self._journal.close()
        except PermissionError:  # Windows does not remove open files
            self._journal.close()
            partial_path(self._summary).unlink(missing_ok=True)


def check_own(results: Iterable[Claim]) -> None:
    """Check that results would replace only unchanged results of this program for the same sources.

    Raises:
        SinkError: names them.
    """
    claims = [one._replace(video=readable(one.video)) for one in results]
    found = [path for one in claims for path in _foreign(one)]
    if found:
        named = ", ".join(escaped(str(path)) for path in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise SinkError(
            f"{named}{more} would be replaced, and {_is_not_ours(len(found))}: name another place with -o, "
            "or say --overwrite."
        )
    for one in claims:
        _check_sources(one)


def _check_sources(claim: Claim) -> None:
    """Refuse to replace results of sources that are not among those of a claim.

    Raises:
        SinkError: names both.
    """
    for summary, listing in _lists(claim.summary).items() if claim.sources else ():
        lost = missing(listing.sources, claim.sources, claim.summary) if listing else []
        if not listing or not lost:
            continue
        results = [
            *(path for path in claim.files if _name(path, summary) in listing.results),
            *(summary.parent / name for name in (*listing.results, *listing.parts)),
            *([summary] if summary == claim.summary else []),
        ]
        former = " name the former, too," if is_nameable(lost) and not claim.single else ""
        # A run that was killed before it wrote anything leaves an empty list.
        for place in itertools.islice(filter(_is_there, results), 1):
            raise SinkError(
                f"{escaped(str(place))} is of {describe_sources(lost, claim.summary)}, and would be replaced "
                f"by results of {called(claim.sources)}: name another place with -o,{former} or say "
                "--overwrite."
            )


def _lists(summary: Path) -> dict[Path, _List | None]:
    return {path: _List.read(path) for path in (summary, partial_path(summary))}


def results_of(summary: Path, files: Sequence[Path], video: str) -> dict[str, Any] | None:
    """The summary of a finished run, if all its results exist and are unchanged.

    Args:
        summary: where it lies.
        files: the required results.
        video: the name of what they are made of.
    """
    listing = _List.read(summary)
    if listing is None or listing.video != readable(video):
        return None
    entries = [listing.results.get(_name(path, summary)) for path in files]
    whole = all(entry and entry.is_of(path) for entry, path in zip(entries, files, strict=True))
    values: dict[str, Any] = read_json(summary)
    return values if whole else None


def bytes_listed(summary: Path, video: str) -> dict[str, int]:
    """The sizes of the results in a summary, by their relative paths.

    Args:
        summary: where it lies.
        video: the name of what they are made of.

    Returns:
        Empty if it is not a summary of this program, or of another video.
    """
    listing = _List.read(summary)
    if listing is None or listing.video != readable(video):
        return {}
    return {name: entry.bytes for name, entry in listing.results.items()}


def check_free(paths: Iterable[Path]) -> None:
    """Refuse to replace anything.

    Raises:
        SinkError: a file is there.
    """
    for path in paths:
        for place in (path, partial_path(path)):
            if _is_there(place):
                raise SinkError(f"{place} is there already: name another file, or say --overwrite.")


def is_result(path: Path) -> bool:
    """Whether a file is a result of this program, by the summary beside it."""
    if path.name.endswith(_ENDING) and _List.read(path):
        return True
    parts = path.name.split(".")
    for end in range(1, len(parts)):
        summary = path.with_name(".".join(parts[:end]) + _ENDING)
        for listing in filter(None, map(_List.read, (summary, partial_path(summary)))):
            name = readable(path.name)
            entry = listing.results.get(name) or listing.earlier.get(name)
            if name in listing.parts or (entry and _has_size(path, entry.bytes)):
                return True
    return False


def _foreign(claim: Claim) -> list[Path]:
    lists = _lists(claim.summary)
    own = [one for one in lists.values() if one is not None and one.video == claim.video]
    parts = {part for one in own for part in one.parts}
    found = [path for path, one in lists.items() if _is_there(path) and one not in own]
    for path in claim.files:
        if _is_there(path) and not any(one.knows(_name(path, claim.summary), path) for one in own):
            found.append(path)
    return found + [
        path
        for path in _parts(claim.files, claim.summary)
        if _is_there(path) and _name(path, claim.summary) not in parts
    ]


def _parts(files: Sequence[Path], summary: Path) -> list[Path]:
    """The partial paths of results, and of the summary while it replaces the journal."""
    return [partial_path(path) for path in (*files, partial_path(summary))]


def _is_not_ours(count: int) -> str:
    if count == 1:
        return "it is no result of this video's, or was changed since"
    return "they are no results of this video's, or were changed since"


def _is_there(path: Path) -> bool:
    """Whether a path has a file that could be lost: not empty, and not a device, pipe or folder."""
    try:
        if not path.exists():
            return path.is_symlink()
        return path.is_file() and path.stat().st_size > 0
    except OSError:  # inaccessible: opening it raises the error
        return False


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _name(path: Path, summary: Path) -> str:
    """The name of a result in a summary: its relative path."""
    try:
        return readable(Path(os.path.relpath(path, summary.parent)).as_posix())
    except ValueError:  # another drive on Windows
        return readable(path.absolute().as_posix())


def _signed(values: Mapping[str, Any]) -> str:
    return json.dumps({**values, _CHECKSUM: _checksum(values)}, indent=2) + "\n"


class BusyError(SinkError):
    """Another run writes the same results."""


def _checksum(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=4096)
def _sha256(path: Path, size: int, changed: int, number: int) -> str:
    """The checksum of a file with this size, modification time and inode; cached for batches."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_alone(path: Path) -> FileIO:
    """Open and lock a file for this process; it is created if it is missing."""
    while True:
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:
            pass  # another run has renamed or removed it
        except BlockingIOError as error:
            file.close()
            raise BusyError(
                f"{path} is being written by another run of this program: wait for it, or name another "
                "place with -o."
            ) from error
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: FileIO) -> None:
    try:
        import fcntl  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass  # a file system without locks
