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
    """How a video ended.

    Attributes:
        number: its place among all of the study's.
        name: what it is called in the study.
        file: the video's name.
        folder: its folder, see `Job`.
        state: ``incomplete``: some of it is missing or damaged, and it was read to its end.
        code: the exit code that it stands for.
        reason: what went wrong, in a sentence; empty where nothing did.
        results: by format, the files as seen from the study's folder; ``summary`` is among them.
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
        """Its folder as tables and the page call it; never empty, which would mean that it is not known."""
        return self.folder or _TOP

    @classmethod
    def of(cls, job: Job, home: Path, state: State, code: int = 0, reason: str = "") -> "Outcome":
        """Of a job, with those of its results that are there."""
        files = {**job.outputs.files, "summary": job.outputs.summary}
        there = {} if state == "failed" else {name: _from(path, home) for name, path in files.items()}
        # The same wherever the videos lie.
        said = reason.replace(str(job.video.absolute()), str(Path(job.folder) / job.video.name))
        return cls(
            job.number, job.name, readable(job.video.name), job.folder, state, code, readable(said), there
        )

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Outcome":
        """What `to_json` gave.

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
        outcome: how it ended.
        summary: the summary, see `emotion.realtime.sinks.summary`; None where there is none.
        record: the numbers for the page, see `emotion.realtime.sinks.study_record`; None likewise.
        link: where the video is shown, in the place of its files.
    """

    outcome: Outcome
    summary: Mapping[str, Any] | None
    record: Mapping[str, Any] | None
    link: str = ""

    @classmethod
    def of(cls, outcome: Outcome, home: Path) -> "StudiedVideo":
        """Read the files of an outcome; what cannot be read is None."""
        summary, record = (_read(outcome.results.get(name), home) for name in ("summary", "study"))
        return cls(outcome, summary, record)


def _read(place: str | None, home: Path) -> Mapping[str, Any] | None:
    try:
        return None if place is None else read_json(home / place)
    except (OSError, ValueError):
        return None


def _from(path: Path, home: Path) -> str:
    """A file as seen from the study's folder."""
    try:
        return Path(os.path.relpath(path, home)).as_posix()
    except ValueError:  # another drive on Windows
        return path.absolute().as_posix()
