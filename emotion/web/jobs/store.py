"""Jobs on disk: one folder per job, with the video, its results and a small file with its state.

::

    <folder>/<id>/job.json       the job's state
    <folder>/<id>/video/         the upload
        <folder>/<id>/results/       its results
        <folder>/<id>.incoming/      during the upload
    <folder>/server.lock         held by the server that uses the folder
"""

import contextlib
import hmac
import json
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from emotion.models.atomic_files import write_atomically
from emotion.models.closeable import Closeable

_ID = re.compile(r"[0-9a-f]{32}")
_INCOMING = ".incoming"
_STATE = "job.json"
LOCK = "server.lock"
# With any suffix of results, such a name is shorter than the 255 bytes of most systems.
_LONGEST_STEM = 40
_LONGEST_NAME = 120
_LONGEST_SUFFIX = 12
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


class State(StrEnum):
    """The state of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({State.WAITING, State.RUNNING})
"""The states of unfinished jobs."""


@dataclass(slots=True, kw_only=True)
class Job:
    """A video to annotate, and its progress.

    Attributes:
        id: 128 random bits, in hexadecimal: anyone who knows it may see the job.
        owner: of the visitor who sent it, in whose list it is.
        secret: sent only to the uploader; with it a program proves that the job is its own.
        title: the video's original name; never used as a path.
        file: the video's name on the disk.
        bytes: of the video.
        created, finished: Unix time in seconds.
        state: of the job.
        options: those of the request, by name; the others are the server's defaults.
        message: its result, or why it failed and what to do: one sentence.
        attempts: number of starts.
        done, total: frames, the second None where unknown.
        started: monotonic time of its start; not on the disk.
    """

    id: str
    owner: str
    title: str
    file: str
    bytes: int
    created: float = field(default_factory=time.time)
    finished: float | None = None
    state: State = State.WAITING
    options: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    attempts: int = 0
    done: int = 0
    total: int | None = None
    started: float | None = None
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def rate(self) -> float | None:
        """Frames a second; None if it is not running."""
        if self.state != State.RUNNING or self.started is None or not self.done:
            return None
        return self.done / max(time.monotonic() - self.started, 1e-3)

    def belongs_to(self, visitor: str, secret: str) -> bool:
        """Whether this cookie, or this secret, is that of the sender."""
        return _same(self.owner, visitor) or _same(self.secret, secret)

    @property
    def seconds_left(self) -> float | None:
        """The estimated remaining time; None if unknown."""
        rate = self.rate
        return None if rate is None or self.total is None else max(0, self.total - self.done) / rate


def _same(kept: str, given: str) -> bool:
    """Constant-time comparison; empty values never match."""
    return bool(kept) and hmac.compare_digest(kept.encode(), given.encode())


class Incoming:
    """An upload in progress: `commit` makes a job of it, `discard` removes it."""

    def __init__(self, folder: Path, title: str) -> None:
        self.id = secrets.token_hex(16)
        self._folder = folder
        self._place = folder / f"{self.id}{_INCOMING}"
        self.title = shown_name(title)
        self.file = safe_name(title)
        (self._place / "video").mkdir(parents=True)
        self.stream = open(self._place / "video" / self.file, "xb")  # noqa: SIM115  closed by both ends

    def commit(self, owner: str, options: Mapping[str, Any] | None = None) -> Job:
        """The waiting job, in its folder."""
        size = self.stream.tell()
        self.stream.close()
        job = Job(
            id=self.id,
            owner=owner,
            title=self.title,
            file=self.file,
            bytes=size,
            options=dict(options or {}),
        )
        _write(self._place / _STATE, job)
        self._place.rename(self._folder / self.id)
        return job

    def discard(self) -> None:
        """Remove the partial upload."""
        self.stream.close()
        shutil.rmtree(self._place, ignore_errors=True)


class JobStore(Closeable):
    """All jobs, in memory and on the disk. Close it, or use it as a context manager.

    Args:
        folder: created if it is missing. One server at a time uses it.

    Raises:
        OSError: it cannot be created or read, or another server uses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(folder / LOCK, "ab")  # noqa: SIM115  held as long as the store is used
        try:
            _lock(self._lock)
        except OSError as error:
            self._lock.close()
            raise OSError(error.errno, "another server uses it") from error
        for rest in folder.glob(f"*{_INCOMING}"):
            shutil.rmtree(rest, ignore_errors=True)
        self._jobs = {job.id: job for job in sorted(_read_all(folder), key=lambda job: job.created)}

    def close(self) -> None:
        """Release the folder for another server."""
        self._lock.close()

    def __iter__(self) -> Iterator[Job]:
        """All jobs, the oldest first."""
        return iter(list(self._jobs.values()))

    def get(self, job_id: str) -> Job | None:
        """The job of this id."""
        return self._jobs.get(job_id)

    def receive(self, title: str) -> Incoming:
        """Prepare a folder for an upload."""
        return Incoming(self.folder, title)

    def add(self, job: Job) -> None:
        """Add a committed job."""
        self._jobs[job.id] = job

    def save(self, job: Job) -> None:
        """Write a job's state to the disk, atomically."""
        _write(self.folder / job.id / _STATE, job)

    def forget(self, job: Job) -> None:
        """Remove a job from memory; its files stay for `delete`."""
        self._jobs.pop(job.id, None)

    def delete(self, job: Job) -> None:
        """Remove a job with all its files."""
        self.forget(job)
        shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def video(self, job: Job) -> Path:
        """The uploaded video."""
        return self.folder / job.id / "video" / job.file

    def results(self, job: Job) -> Path:
        """The folder of its results."""
        return self.folder / job.id / "results"

    def used_bytes(self) -> int:
        """The current size of all files of jobs; uploads in progress are not counted."""
        return sum(_sizes(self.folder))

    def free_bytes(self) -> int:
        """The free space on the disk."""
        return shutil.disk_usage(self.folder).free


def _sizes(folder: Path) -> Iterator[int]:
    """The size of all files below a folder; files may be renamed or deleted meanwhile."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.endswith(_INCOMING)]
        for name in names:
            with contextlib.suppress(OSError):
                yield os.lstat(os.path.join(place, name)).st_size


def _lock(file: BinaryIO) -> None:
    """Lock a file for this process until it is closed; OSError if another process has locked it."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def shown_name(name: str) -> str:
    """A user's name of a file, without folders and unprintable characters, at most 120 characters.

    A longer one loses the end of its stem; the suffix is kept.
    """
    last = re.split(r"[/\\]", name)[-1]
    whole = "".join(letter for letter in last if letter.isprintable()).strip()
    suffix = Path(whole).suffix
    if len(suffix) > _LONGEST_SUFFIX:
        suffix = ""
    stem = whole.removesuffix(suffix)[: _LONGEST_NAME - len(suffix)]
    return f"{stem}{suffix}" or "video"


def safe_name(name: str) -> str:
    """A name for the disk, only of letters, digits, hyphens and one dot."""
    shown = Path(shown_name(name))
    stem = re.sub(r"[^\w-]+", "_", shown.stem).strip("_")[:_LONGEST_STEM] or "video"
    if _DEVICES.fullmatch(stem):
        stem = f"video_{stem}"
    suffix = shown.suffix.lower()
    return stem + (suffix if _SUFFIX.fullmatch(suffix) else ".video")


def _read_all(folder: Path) -> Iterator[Job]:
    for path in folder.glob(f"*/{_STATE}"):
        if not _ID.fullmatch(path.parent.name):
            continue
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            yield Job(**values | {"state": State(values["state"])})
        except (OSError, ValueError, TypeError, KeyError):
            # It is unreachable, and its files would stay for ever.
            shutil.rmtree(path.parent, ignore_errors=True)


def _write(path: Path, job: Job) -> None:
    values = asdict(job)
    del values["started"]
    write_atomically(path, json.dumps(values))
