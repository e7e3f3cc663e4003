"""Videos one after the other in this process, for programs that have their models loaded already."""

from collections.abc import Generator, Sequence

from emotion.realtime.options import Options
from emotion.study.plan import Job
from emotion.study.pool import Report
from emotion.study.task import run_task, setup_of, task_of
from emotion.videos import Models


class InProcess:
    """Runs jobs like `emotion.study.pool.Pool`, in the calling process.

    Args:
        options: of every video.
        models: for all of them.
    """

    def __init__(self, options: Options, models: Models) -> None:
        self._options = options
        self._models = models

    def run(self, jobs: Sequence[Job], resume: bool) -> Generator[Report, None, None]:
        """Run all jobs, and report each outcome."""
        yield Report("ready", None, setup_of(self._models, self._options))
        for job in jobs:
            yield Report("begun", job, {"where": "here"})
            notes: list[str] = []
            end = run_task(task_of(job, resume), self._models, self._options, note=notes.append)
            for note in notes:
                yield Report("note", job, {"note": note})
            yield Report("ended", job, end)
