"""Annotates the videos of a study on a cluster, with the interface of `emotion.study.pool.Pool`."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from emotion.cluster.actor import Work
from emotion.cluster.connection import Connection
from emotion.cluster.scheduler import TaskEvent, TaskScheduler
from emotion.cluster.slots import slots_of
from emotion.loading import load_models
from emotion.models.engines.options import model_folder_name
from emotion.models.options import from_mapping, to_mapping
from emotion.realtime.errors import SourceError
from emotion.realtime.options import Options
from emotion.realtime.session import Models
from emotion.study.plan import Job, with_cores
from emotion.study.pool import STOPPING, STOPS, Report
from emotion.study.task import run_task, setup_of, task_of

# Progress is polled twice a second; notes are sent with the outcome.
_KEPT_NOTES = 100


class Videos:
    """The work of an actor that annotates videos; see `Work`.

    Args:
        options: of every video, from `travelling`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = from_mapping(Options, options)
        self._models: Models | None = None

    def ready(self) -> dict[str, Any]:
        """See `Work.ready`."""
        self._models = load_models(self._options.engine)
        return setup_of(self._models, self._options)

    def do(self, task: Mapping[str, Any], progress: Callable[[int, int | None], None]) -> dict[str, Any]:
        """Annotate a video, see `run_task`; ``notes`` are part of the outcome."""
        assert self._models is not None
        notes: list[str] = []
        result = run_task(task, self._models, self._options, progress, notes.append)
        return result | {"notes": notes[:_KEPT_NOTES]}


@dataclass(frozen=True, slots=True)
class _Tasks(Sequence[Any]):
    """Tasks, each made when it is assigned: ten thousand take no memory."""

    jobs: Sequence[Job]
    make: Callable[[Job], dict[str, Any]]

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: Any) -> Any:
        return self.make(self.jobs[index])


class ClusterPool:
    """Distributes jobs to the machines of a cluster.

    Args:
        address: of the cluster, see `emotion.study.options.read_cluster`.
        options: of every video.
        count: number of parallel jobs; by default as many as fill the cluster.
        mixed: machines may differ in what results depend on.
        address_of: the address of a file for all machines, see `task_of`.
        make: makes the work; by default annotation.
        say: called with messages for the user.
        waiting: called with a message about what is waited for at the beginning.

    Attributes:
        count: number of parallel jobs, once it runs.
    """

    def __init__(
        self,
        address: str,
        options: Options,
        count: int | None = None,
        mixed: bool = False,
        address_of: Callable[[Path], str] = lambda path: str(path.absolute()),
        make: Callable[[Options], Callable[[], Work]] | None = None,
        say: Callable[[str], object] = lambda sentence: None,
        waiting: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        self.count = count or 0
        self._address = address
        self._options = options
        self._wanted = count
        self._mixed = mixed
        self._address_of = address_of
        self._make = make or (lambda options: partial(Videos, travelling(options)))
        self._say = say
        self._waiting = waiting

    def run(self, jobs: Sequence[Job], resume: bool) -> Generator[Report, None, None]:
        """Do all jobs, in their order; see `Pool.run`.

        Raises:
            ClusterError: there is no cluster, or its machines are not compatible.
            WorkerFailedError: no process can work.
            MissingDependencyError: Ray is not installed.
        """
        if not jobs:
            return
        with Connection(self._address, self._waiting) as connection:
            slots = slots_of(connection.nodes(), self._options, self._wanted, len(jobs))
            self.count = slots.count
            make = self._make(with_cores(self._options, slots.cpus))
            scheduler = TaskScheduler(connection, make, slots, self._mixed, self._say)
            tasks = _Tasks(jobs, partial(task_of, resume=resume, address=self._address_of))
            events = scheduler.run(tasks)
            try:
                for event in events:
                    yield from _reports(event, jobs)
            except STOPS:
                yield STOPPING
                raise
            finally:
                events.close()


def travelling(options: Options) -> dict[str, Any]:
    """Options that are valid on any machine of a cluster: included models by name, others by path."""
    values = to_mapping(options)
    name = model_folder_name(options.engine.models)
    if not Path(name).is_absolute() and name != str(options.engine.models):
        values["engine"]["models"] = name
    return values


def _reports(event: TaskEvent, jobs: Sequence[Job]) -> Sequence[Report]:
    values = event.values
    if event.task is None:
        return [Report("ready", None, values)]
    job = jobs[event.task]
    if event.kind == "died":
        reason = f"{job.video}: {values['reason']}"
        return [Report("died", job, {"reason": reason, "code": SourceError.exit_code})]
    if event.kind != "ended":
        return [Report(event.kind, job, values)]
    notes = [Report("note", job, {"note": note}) for note in values.get("notes", ())]
    return [*notes, Report("ended", job, values)]
