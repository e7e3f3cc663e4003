"""The outcome of one video of a study, and which of its files exist."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from emotion.models.names import readable
from emotion.models.small_files import read_json
from emotion.study.plan import Job

State: TypeAlias = Literal["done", "incomplete", "failed"]
_TOP = "(top)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a video.

    Attributes:
        number: its index in the study.
        name: in the study.
        file: the video's name.
        folder: its folder, see `Job`.
        state: ``incomplete``: parts are missing or damaged, and it was read to its end.
        code: the exit code.
        reason: error message; empty if there was none.
        results: by format, the files relative to the study's folder; ``summary`` is among them.
    """

    number: int
    name: str
    file: str
    folder: str
    state: State
    code: int
    reason: str
    results: Mapping[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """Its folder in tables and on the page; never empty, which would mean unknown."""
        return self.folder or _TOP

    @classmethod
    def of(cls, job: Job, home: Path, state: State, code: int = 0, reason: str = "") -> "Outcome":
        """The outcome of a job, with its existing results."""
        files = {**job.outputs.files, "summary": job.outputs.summary}
        there = {} if state == "failed" else {name: _from(path, home) for name, path in files.items()}
        # Independent of the location of the videos.
        said = reason.replace(str(job.video.absolute()), str(Path(job.folder) / job.video.name))
        return cls(
            job.number, job.name, readable(job.video.name), job.folder, state, code, readable(said), there
        )

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Outcome":
        """The inverse of `to_json`.

        Raises:
            TypeError, ValueError: it is something else.
        """
        found = cls(**values)
        if found.state not in ("done", "incomplete", "failed") or not isinstance(found.number, int):
            raise ValueError("it is no outcome")
        return found

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StudiedVideo:
    """A video of a study: its outcome, and the content of its files.

    Attributes:
        outcome: of the video.
        summary: the summary, see `emotion.realtime.sinks.summary`; None if missing.
        record: the numbers for the page, see `emotion.realtime.sinks.study_record`; None if missing.
        link: address of the video's page, in place of its files.
    """

    outcome: Outcome
    summary: Mapping[str, Any] | None
    record: Mapping[str, Any] | None
    link: str = ""

    @classmethod
    def of(cls, outcome: Outcome, home: Path) -> "StudiedVideo":
        """Read the files of an outcome; unreadable ones are None."""
        summary, record = (_read(outcome.results.get(name), home) for name in ("summary", "study"))
        return cls(outcome, summary, record)


def _read(place: str | None, home: Path) -> Mapping[str, Any] | None:
    try:
        return None if place is None else read_json(home / place)
    except (OSError, ValueError):
        return None


def _from(path: Path, home: Path) -> str:
    """A file relative to the study's folder."""
    try:
        return Path(os.path.relpath(path, home)).as_posix()
    except ValueError:  # another drive on Windows
        return path.absolute().as_posix()
