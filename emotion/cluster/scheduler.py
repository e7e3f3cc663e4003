"""Assigns tasks to the workers of a cluster, and handles their failures.

Ray chooses machines, transports tasks and results, and reports failures.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from emotion import __version__
from emotion.cluster.actor import Actor, Work
from emotion.cluster.connection import Connection
from emotion.cluster.errors import ClusterError
from emotion.cluster.slots import Slots
from emotion.models.errors import EmotionError
from emotion.study.pool import WorkerFailedError

Kind: TypeAlias = Literal["ready", "begun", "progress", "note", "ended", "died"]

SAME = ("program", "models", "classes", "options", "provider", "libraries")
"""What results depend on, and all machines must have in common unless they may be mixed."""
_TRIES = 2
# A machine may be lost while it works on a task, without a fault of the task; but not repeatedly.
_LOSSES = 5
# Number of actors per slot that may die before they are ready.
_MOST_STILLBORN = 3
_PATIENCE = 15.0
_TICK = 0.25
# Progress polls per second, over all slots.
_ASKED_A_SECOND = 100
_SLOW_START = 60.0


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """An event of a task.

    Attributes:
        kind: ``ready`` (of a slot), ``begun``, ``progress``, ``note``, ``ended``, ``died`` (finally).
        task: its index; None for ``ready``.
        values: of the event; for ``ended`` the result of the work.
    """

    kind: Kind
    task: int | None
    values: Any


@dataclass(slots=True, eq=False)
class _Worker:
    """An actor, and its pending calls."""

    actor: Any
    waits: Any
    where: str = ""
    node: str = ""
    ready: bool = False
    task: int | None = None
    request: Any = None
    requested_at: float = 0.0
    done: tuple[int, int | None] = field(default=(0, None))


class TaskScheduler:
    """Actors on a cluster. One that dies costs its task an attempt, and is replaced.

    A task whose process died is tried once more when all others have started. Tasks of a lost machine
    are tried again several times, since that is not a fault of the task. If a disk is full, another
    machine gets the task.

    Args:
        connection: to the cluster.
        make: the work, see `Actor`.
        slots: their number, and the resources of each.
        mixed: machines may differ in what results depend on.
        say: called with messages for the user.
    """

    def __init__(
        self,
        connection: Connection,
        make: Callable[[], Work],
        slots: Slots,
        mixed: bool = False,
        say: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        self._ray = connection.ray
        self._connection = connection
        self._make = make
        self._slots = slots
        self._mixed = mixed
        self._say = say
        self._workers: list[_Worker] = []
        self._waiting: deque[int] = deque()
        self._again: deque[int] = deque()
        self._tries: Counter[int] = Counter()
        self._losses: Counter[int] = Counter()
        self._stillborn = 0
        self._first: Mapping[str, Any] | None = None
        self._class = self._ray.remote(Actor)

    def run(
        self, tasks: Sequence[Any], order: Sequence[int] | None = None
    ) -> Generator[TaskEvent, None, None]:
        """Run all tasks, and yield events; leaving the loop stops all.

        Args:
            tasks: arguments of the work.
            order: in which they are started; by default their own.

        Raises:
            WorkerFailedError: no actor can work.
            ClusterError: the machines are not compatible, or the connection is lost.
        """
        self._waiting.extend(range(len(tasks)) if order is None else order)
        began = time.monotonic()
        try:
            for _ in range(min(self._slots.count, len(tasks))):
                self._start_worker()
            while self._waiting or self._again or any(one.task is not None for one in self._workers):
                yield from self._assign(tasks)
                yield from self._poll()
                if self._first is None and time.monotonic() - began > _SLOW_START:
                    began = float("inf")
                    self._say("The cluster has no room yet: this waits until it has.")
        except EmotionError:
            raise
        except (ConnectionError, self._ray.exceptions.RayError) as error:
            raise ClusterError(
                f"The cluster is gone ({_last_line(error)}). Complete results stay: start it again, and the "
                "same command resumes."
            ) from error
        finally:
            self._stop()

    def _start_worker(self) -> None:
        actor = self._class.options(
            num_cpus=self._slots.cpus,
            num_gpus=self._slots.gpus,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2,
            scheduling_strategy="SPREAD",
        ).remote(self._make, __version__)
        self._workers.append(_Worker(actor, actor.ready.remote()))

    def _assign(self, tasks: Sequence[Any]) -> Iterator[TaskEvent]:
        """Assign tasks to all idle workers."""
        for worker in self._workers:
            if not worker.ready or worker.task is not None:
                continue
            queue = self._waiting or self._again
            if not queue:
                return
            task = queue.popleft()
            worker.task, worker.done = task, (0, None)
            worker.waits = worker.actor.do.remote(tasks[task])
            yield TaskEvent("begun", task, {"where": worker.where})

    def _poll(self) -> Iterator[TaskEvent]:
        """Wait briefly, and yield the events that have arrived."""
        self._ask()
        ends = {one.waits: one for one in self._workers if one.waits is not None}
        requests = {one.request: one for one in self._workers if one.request is not None}
        refs = [*ends, *requests]
        came, _ = self._ray.wait(refs, num_returns=1, timeout=_TICK)
        if came:
            came, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        # A remote cluster (ray://) returns references that are equal to these, not identical.
        for ref in came:
            if ref in requests:
                yield from self._progress(requests[ref])
            else:
                yield from self._answered(ends[ref])

    def _ask(self) -> None:
        now = time.monotonic()
        pause = max(2 * _TICK, len(self._workers) / _ASKED_A_SECOND)
        for worker in self._workers:
            if worker.task is not None and worker.request is None and now - worker.requested_at >= pause:
                worker.request, worker.requested_at = worker.actor.progress.remote(), now

    def _progress(self, worker: _Worker) -> Iterator[TaskEvent]:
        request, worker.request = worker.request, None
        try:
            done, total = self._ray.get(request)
        except self._ray.exceptions.RayError:
            return  # its task reports the outcome
        if worker.task is not None and (done, total) != worker.done:
            worker.done = (done, total)
            yield TaskEvent("progress", worker.task, {"done": done, "total": total})

    def _answered(self, worker: _Worker) -> Iterator[TaskEvent]:
        """Handle the result of a worker's pending call."""
        ref, worker.waits = worker.waits, None
        try:
            values = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            yield from self._died(worker, error)
            return
        if not worker.ready:
            yield from self._admit(worker, values)
            return
        task, worker.task = worker.task, None
        assert task is not None
        if self._moves_elsewhere(worker, task, values):
            yield TaskEvent("note", task, {"note": f"{values['reason']} It is tried on another machine."})
        else:
            yield TaskEvent("ended", task, values)

    def _admit(self, worker: _Worker, values: Mapping[str, Any]) -> Iterator[TaskEvent]:
        if "fatal" in values:
            raise WorkerFailedError(values["fatal"], values["code"])
        worker.ready, worker.node = True, values["node"]
        worker.where = f"{values['host']}:{values['pid']}"
        setup = values["ready"]
        self._first = self._first or setup
        differ = [name for name in SAME if setup.get(name) != self._first.get(name)]
        if differ and not self._mixed:
            said = "; ".join(_difference(name, self._first.get(name), setup.get(name)) for name in differ)
            raise ClusterError(
                f"The machines differ, {values['host']} from the first ({said}), and results would depend on "
                "who makes them: make them alike, choose --provider, or say --mixed."
            )
        yield TaskEvent("ready", None, setup)

    def _moves_elsewhere(self, worker: _Worker, task: int, values: Any) -> bool:
        """Whether a task moves to another machine because this one's disk is full; this one gets no more."""
        if not isinstance(values, Mapping) or not values.get("no_room") or self._tries[task]:
            return False
        if all(one.node == worker.node for one in self._workers):
            return False
        self._tries[task] += 1
        self._again.append(task)
        self._stop_worker(worker)
        self._say(f"{worker.where} has no room on its disk, and gets no more to do.")
        return True

    def _died(self, worker: _Worker, error: Exception) -> Iterator[TaskEvent]:
        lost = self._is_lost(worker, error)
        self._stop_worker(worker)
        task, worker.task = worker.task, None
        reason = _reason(error, lost)
        if task is None:
            self._stillborn += not lost
            if self._stillborn > _MOST_STILLBORN * self._slots.count:
                raise WorkerFailedError(
                    f"No process can start on the cluster: {reason}", ClusterError.exit_code
                )
        else:
            counts = self._losses if lost else self._tries
            counts[task] += 1
            if counts[task] < (_LOSSES if lost else _TRIES):
                self._again.append(task)
                yield TaskEvent("note", task, {"note": f"{reason} It is tried again."})
            else:
                yield TaskEvent("died", task, {"reason": reason})
        if len(self._waiting) + len(self._again) > sum(one.task is None for one in self._workers):
            self._start_worker()

    def _is_lost(self, worker: _Worker, error: Exception) -> bool:
        """Whether a machine, not only a process, was lost.

        Ray knows at once that a process died, since its machine reports it; a lost machine is
        detected only after half a minute.
        """
        if isinstance(error, self._ray.exceptions.ActorUnavailableError):
            return True
        return bool(worker.node) and worker.node not in {one.name for one in self._connection.nodes()}

    def _stop_worker(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        # Also if it is only unreachable: no other worker may write the same files.
        with suppress(Exception):
            self._ray.kill(worker.actor)

    def _stop(self) -> None:
        """Let all end with valid files; those that do not end are killed."""
        busy = [one for one in self._workers if one.task is not None]
        with suppress(Exception):
            for worker in busy:
                worker.actor.stop.remote()
            if busy:
                self._ray.wait([one.waits for one in busy], num_returns=len(busy), timeout=_PATIENCE)
        for worker in list(self._workers):
            self._stop_worker(worker)


def _difference(name: str, first: Any, other: Any) -> str:
    if isinstance(first, Mapping) and isinstance(other, Mapping):
        parts = [one for one in {**first, **other} if first.get(one) != other.get(one)]
        return "; ".join(_difference(f"{name}: {one}", first.get(one), other.get(one)) for one in parts)
    return f"{name} {other} and {first}"


def _reason(error: Exception, lost: bool) -> str:
    if lost:
        return "The machine that worked on it was lost, or cannot be reached."
    cause = getattr(error, "cause", None)
    if cause is not None:  # an error in the work itself, not the end of its process
        return f"The process that worked on it failed ({type(cause).__name__}: {cause})."
    return f"The process that worked on it died, perhaps for lack of memory ({_last_line(error)})."


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
