"""Runs the jobs of a study, and collects their outcomes."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from emotion.models.atomic_files import write_atomically
from emotion.realtime.errors import SinkError
from emotion.study.outcome import Outcome, State
from emotion.study.plan import Job
from emotion.study.pool import STOPS, Report


class Jobs(Protocol):
    """Does jobs, and tells of them; see `Pool` and `emotion.study.in_process.InProcess`."""

    def run(self, jobs: Sequence[Job], resume: bool) -> Generator[Report, None, None]:
        """Do all jobs; leaving the loop stops all."""


class Watcher(Protocol):
    """Is told how a study goes on."""

    def begun(self, job: Job, where: str) -> None:
        """A video is worked on, by that process."""

    def progress(self, job: Job, done: int, total: int | None) -> None:
        """So many of its frames are done, of how many, where that is known."""

    def note(self, job: Job, sentence: str) -> None:
        """Something was mended or left out."""

    def ended(self, outcome: Outcome, frames: int, passed: bool) -> None:
        """A video has ended, after so many frames; passed: it was done before."""

    def stopping(self) -> None:
        """All is being ended before its time; may be said twice."""


@dataclass(slots=True)
class Run:
    """What came of all jobs.

    Attributes:
        outcomes: in the order of the jobs.
        circumstances: what all results follow from, of the first process that was ready.
        frames: that were analysed.
        seconds: that it took.
        passed: the numbers of those jobs that an earlier run had done.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    circumstances: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 0
    seconds: float = 0.0
    passed: set[int] = field(default_factory=set)

    @property
    def code(self) -> int:
        """The exit code: that of the first video, in their order, that did not go well."""
        return next((one.code for one in self.outcomes if one.code), 0)


def run_jobs(
    pool: Jobs,
    jobs: Sequence[Job],
    home: Path,
    resume: bool,
    watcher: Watcher,
    log: Callable[..., object] = lambda event, **values: None,
) -> Run:
    """Do all jobs.

    Args:
        pool: of processes, a cluster, or this process.
        jobs: videos and where their results go.
        home: the study's folder, from which results are named.
        resume: pass over what is done.
        watcher: is told how it goes on.
        log: is told the same for the log, as of `Log.note`.

    Raises:
        WorkerFailedError: no process can work.
    """
    run, began = Run(), time.monotonic()
    with closing(pool.run(jobs, resume)) as reports:
        try:
            for report in reports:
                _take(report, run, home, watcher, log)
        except STOPS:
            watcher.stopping()
            raise
    run.outcomes.sort(key=lambda one: one.number)
    run.seconds = time.monotonic() - began
    return run


def _take(report: Report, run: Run, home: Path, watcher: Watcher, log: Callable[..., object]) -> None:
    job, values = report.job, report.values
    if report.kind == "stopping":
        watcher.stopping()
    elif job is None:
        run.circumstances = run.circumstances or values
    elif report.kind == "begun":
        log("begun", video=job.name, file=str(job.video), where=values["where"])
        watcher.begun(job, values["where"])
    elif report.kind == "progress":
        watcher.progress(job, values["done"], values["total"])
    elif report.kind == "note":
        log("note", video=job.name, note=values["note"])
        watcher.note(job, values["note"])
    else:
        _end(job, report, run, home, watcher, log)


def _keep(job: Job, small: Mapping[str, str]) -> None:
    """What is told of results that went to a store lies where the study's end looks for it."""
    files = {**job.outputs.files, "summary": job.outputs.summary}
    for name, text in small.items():
        files[name].parent.mkdir(parents=True, exist_ok=True)
        write_atomically(files[name], text)


def _end(
    job: Job, report: Report, run: Run, home: Path, watcher: Watcher, log: Callable[..., object]
) -> None:
    values = report.values
    _keep(job, values.get("small", {}))
    passed = values.get("end") == "passed"
    state: State = values.get("end", "failed") if not passed else "incomplete" if values["code"] else "done"
    outcome = Outcome.of(job, home, state, values["code"], values["reason"])
    frames = values.get("frames", 0)
    run.outcomes.append(outcome)
    run.frames += frames
    if passed:
        run.passed.add(job.number)
    log(
        "passed over" if passed else state,
        video=job.name,
        code=outcome.code,
        reason=outcome.reason,
        frames=frames,
    )
    with suppress(SinkError):
        watcher.ended(outcome, frames, passed)
