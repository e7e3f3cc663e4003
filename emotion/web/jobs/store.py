"""Jobs on disk: a folder each, with the video, its results and a small file with its state.

::

    <folder>/<id>/job.json       the job's state
    <folder>/<id>/video/         what was sent
    <folder>/<id>/results/       what came of it
    <folder>/<id>.incoming/      while it is being sent
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
# With every ending that results have, such a name is shorter than the 255 bytes of most systems.
_LONGEST_STEM = 40
_LONGEST_NAME = 120
_LONGEST_SUFFIX = 12
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


class State(StrEnum):
    """How a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({State.WAITING, State.RUNNING})
"""The states of jobs that are still to be done."""


@dataclass(slots=True, kw_only=True)
class Job:
    """A video to annotate, and how far it is.

    Attributes:
        id: 128 random bits, in hexadecimal: whoever knows it may see the job.
        owner: of the visitor who sent it; whose list it is in.
        secret: told only to whoever sent it; a program proves with it that the job is its own.
        title: the video's name, as its owner knows it; never used as a path.
        file: the video's name on the disk.
        bytes: of the video.
        created, finished: Unix time in seconds.
        state: how it stands.
        options: those that were chosen for it, by name; the server's hold for the rest.
        message: what came of it, or why it failed and what to do: one sentence.
        attempts: how often it was begun.
        done, total: frames, the second None where unknown.
        started: monotonic time at which it was begun; not on the disk.
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
        """Frames a second; None where it is not running yet."""
        if self.state != State.RUNNING or self.started is None or not self.done:
            return None
        return self.done / max(time.monotonic() - self.started, 1e-3)

    def belongs_to(self, visitor: str, secret: str) -> bool:
        """Whether somebody with this cookie, or with this secret, is who sent it."""
        return _same(self.owner, visitor) or _same(self.secret, secret)

    @property
    def seconds_left(self) -> float | None:
        """How long it will take from now on, as it goes; None where nothing says so."""
        rate = self.rate
        return None if rate is None or self.total is None else max(0, self.total - self.done) / rate


def _same(kept: str, given: str) -> bool:
    """Compared in a time that tells nothing; what is empty belongs to nobody."""
    return bool(kept) and hmac.compare_digest(kept.encode(), given.encode())


class Incoming:
    """A video that is being sent: `commit` makes a job of it, and without that `discard` leaves nothing."""

    def __init__(self, folder: Path, title: str) -> None:
        self.id = secrets.token_hex(16)
        self._folder = folder
        self._place = folder / f"{self.id}{_INCOMING}"
        self.title = shown_name(title)
        self.file = safe_name(title)
        (self._place / "video").mkdir(parents=True)
        self.stream = open(self._place / "video" / self.file, "xb")  # noqa: SIM115  closed by both ends

    def commit(self, owner: str, options: Mapping[str, Any] | None = None) -> Job:
        """The job, waiting, in its place on the disk."""
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
        """Remove what has come."""
        self.stream.close()
        shutil.rmtree(self._place, ignore_errors=True)


class JobStore(Closeable):
    """All jobs, in memory and on the disk. Close it, or use it as a context manager.

    Args:
        folder: made where it is missing. One server at a time uses it.

    Raises:
        OSError: it cannot be made or read, or another server uses it.
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
        """Let another server use the folder."""
        self._lock.close()

    def __iter__(self) -> Iterator[Job]:
        """All jobs, the oldest first."""
        return iter(list(self._jobs.values()))

    def get(self, job_id: str) -> Job | None:
        """The job of this id."""
        return self._jobs.get(job_id)

    def receive(self, title: str) -> Incoming:
        """Make room for a video that is about to be sent."""
        return Incoming(self.folder, title)

    def add(self, job: Job) -> None:
        """Take up a job that was committed."""
        self._jobs[job.id] = job

    def save(self, job: Job) -> None:
        """Put a job's state on the disk, wholly or not at all."""
        _write(self.folder / job.id / _STATE, job)

    def forget(self, job: Job) -> None:
        """Know a job no more; its files stay for `delete`."""
        self._jobs.pop(job.id, None)

    def delete(self, job: Job) -> None:
        """Remove a job with all its files."""
        self.forget(job)
        shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def video(self, job: Job) -> Path:
        """What was sent."""
        return self.folder / job.id / "video" / job.file

    def results(self, job: Job) -> Path:
        """The folder of what came of it."""
        return self.folder / job.id / "results"

    def used_bytes(self) -> int:
        """All files of jobs together, as they are this moment; what is being sent is not counted."""
        return sum(_sizes(self.folder))

    def free_bytes(self) -> int:
        """What is left on the disk."""
        return shutil.disk_usage(self.folder).free


def _sizes(folder: Path) -> Iterator[int]:
    """Of all files below a folder; others come and go meanwhile, as workers rename them and people delete."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.endswith(_INCOMING)]
        for name in names:
            with contextlib.suppress(OSError):
                yield os.lstat(os.path.join(place, name)).st_size


def _lock(file: BinaryIO) -> None:
    """Lock a file for this process alone, until it is closed; an OSError where another one has it."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def shown_name(name: str) -> str:
    """A name that a person gave, without its folders and what cannot be printed, at most 120 letters.

    One that is longer loses the end of its stem: its suffix says what kind of file it is.
    """
    last = re.split(r"[/\\]", name)[-1]
    whole = "".join(letter for letter in last if letter.isprintable()).strip()
    suffix = Path(whole).suffix
    if len(suffix) > _LONGEST_SUFFIX:
        suffix = ""
    stem = whole.removesuffix(suffix)[: _LONGEST_NAME - len(suffix)]
    return f"{stem}{suffix}" or "video"


def safe_name(name: str) -> str:
    """A name for the disk, made of nothing but letters, digits, hyphens and one dot."""
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
            # Nobody can reach it any more; its files would stay for ever.
            shutil.rmtree(path.parent, ignore_errors=True)


def _write(path: Path, job: Job) -> None:
    values = asdict(job)
    del values["started"]
    write_atomically(path, json.dumps(values))
