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
    """Runs jobs, and reports on them; see `Pool` and `emotion.study.in_process.InProcess`."""

    def run(self, jobs: Sequence[Job], resume: bool) -> Generator[Report, None, None]:
        """Run all jobs; leaving the loop stops all."""


class Watcher(Protocol):
    """Receives the progress of a study."""

    def begun(self, job: Job, where: str) -> None:
        """A process has started with a video."""

    def progress(self, job: Job, done: int, total: int | None) -> None:
        """Number of its frames that are done, and the total if known."""

    def note(self, job: Job, sentence: str) -> None:
        """Something was corrected or left out."""

    def ended(self, outcome: Outcome, frames: int, passed: bool) -> None:
        """A video has ended, after so many frames; passed: it was done before."""

    def stopping(self) -> None:
        """The run is being stopped; may be called twice."""


@dataclass(slots=True)
class Run:
    """The outcome of all jobs.

    Attributes:
        outcomes: in the order of the jobs.
        provenance: what all results depend on, from the first process that was ready.
        frames: number of analysed frames.
        seconds: duration.
        passed: the numbers of the jobs that an earlier run had done.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 0
    seconds: float = 0.0
    passed: set[int] = field(default_factory=set)

    @property
    def code(self) -> int:
        """The exit code: that of the first video, in their order, that failed or is incomplete."""
        return next((one.code for one in self.outcomes if one.code), 0)


def run_jobs(
    pool: Jobs,
    jobs: Sequence[Job],
    home: Path,
    resume: bool,
    watcher: Watcher,
    log: Callable[..., object] = lambda event, **values: None,
) -> Run:
    """Run all jobs.

    Args:
        pool: of processes, a cluster, or this process.
        jobs: videos and where their results go.
        home: the study's folder, from which results are named.
        resume: skip videos that are done.
        watcher: receives the progress.
        log: receives the same for the log, like `Log.note`.

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
        run.provenance = run.provenance or values
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
    """Write the small results of a video in a store to local files, from which the study is written."""
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
