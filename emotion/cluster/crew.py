"""Hands tasks out to the places of a cluster, and copes with what dies there.

Ray chooses machines, carries tasks and results, and says what died; here is decided what to do about it.
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
"""What results follow from, and all machines have in common unless they may be mixed."""
_TRIES = 2
# A machine may be taken away while it works on a task, without fault of the task's; but not for ever.
_LOSSES = 5
# So many actors a place may die before they are ready.
_MOST_STILLBORN = 3
_PATIENCE = 15.0
_TICK = 0.25
# How far tasks are is asked for so many times a second, of all places together.
_ASKED_A_SECOND = 100
_SLOW_START = 60.0


@dataclass(frozen=True, slots=True)
class Happening:
    """What becomes of a task.

    Attributes:
        kind: ``ready`` (of a place), ``begun``, ``progress``, ``note``, ``ended``, ``died`` (for good).
        task: which, by its place among all; None for ``ready``.
        values: what is told: of ``ended`` what the work gave.
    """

    kind: Kind
    task: int | None
    values: Any


@dataclass(slots=True, eq=False)
class _Member:
    """An actor, and what is waited for from it."""

    actor: Any
    waits: Any
    where: str = ""
    node: str = ""
    ready: bool = False
    task: int | None = None
    asked: Any = None
    asked_at: float = 0.0
    done: tuple[int, int | None] = field(default=(0, None))


class Crew:
    """Actors on a cluster. One that dies costs its task a try, and another takes its place.

    A task whose process died is tried once more when all others are begun. What was on a machine that was
    lost is tried again and again, since that is no fault of the task's. Where a disk is full, another
    machine has a try.

    Args:
        connection: to the cluster.
        make: the work, see `Actor`.
        slots: how many places, and what each takes.
        mixed: places may differ in what results follow from.
        say: is told, in a sentence, what people should know.
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
        self._members: list[_Member] = []
        self._waiting: deque[int] = deque()
        self._again: deque[int] = deque()
        self._tries: Counter[int] = Counter()
        self._losses: Counter[int] = Counter()
        self._stillborn = 0
        self._first: Mapping[str, Any] | None = None
        self._class = self._ray.remote(Actor)

    def run(
        self, tasks: Sequence[Any], order: Sequence[int] | None = None
    ) -> Generator[Happening, None, None]:
        """Do all tasks, and tell what happens meanwhile; leaving the loop stops all.

        Args:
            tasks: what the work takes, one by one.
            order: in which they are begun; by default their own.

        Raises:
            WorkerFailedError: no place can work.
            ClusterError: the places do not fit together, or the cluster is gone.
        """
        self._waiting.extend(range(len(tasks)) if order is None else order)
        began = time.monotonic()
        try:
            for _ in range(min(self._slots.count, len(tasks))):
                self._hire()
            while self._waiting or self._again or any(one.task is not None for one in self._members):
                yield from self._give(tasks)
                yield from self._listen()
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

    def _hire(self) -> None:
        actor = self._class.options(
            num_cpus=self._slots.cpus,
            num_gpus=self._slots.gpus,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2,
            scheduling_strategy="SPREAD",
        ).remote(self._make, __version__)
        self._members.append(_Member(actor, actor.ready.remote()))

    def _give(self, tasks: Sequence[Any]) -> Iterator[Happening]:
        """Something to do for everybody who has nothing to do."""
        for member in self._members:
            if not member.ready or member.task is not None:
                continue
            queue = self._waiting or self._again
            if not queue:
                return
            task = queue.popleft()
            member.task, member.done = task, (0, None)
            member.waits = member.actor.do.remote(tasks[task])
            yield Happening("begun", task, {"where": member.where})

    def _listen(self) -> Iterator[Happening]:
        """Wait a little for anything, and tell all that has come."""
        self._ask()
        ends = {one.waits: one for one in self._members if one.waits is not None}
        asked = {one.asked: one for one in self._members if one.asked is not None}
        refs = [*ends, *asked]
        came, _ = self._ray.wait(refs, num_returns=1, timeout=_TICK)
        if came:
            came, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        # A cluster elsewhere (ray://) gives references that are equal to these, not the same.
        for ref in came:
            if ref in asked:
                yield from self._progress(asked[ref])
            else:
                yield from self._came(ends[ref])

    def _ask(self) -> None:
        now = time.monotonic()
        pause = max(2 * _TICK, len(self._members) / _ASKED_A_SECOND)
        for member in self._members:
            if member.task is not None and member.asked is None and now - member.asked_at >= pause:
                member.asked, member.asked_at = member.actor.progress.remote(), now

    def _progress(self, member: _Member) -> Iterator[Happening]:
        asked, member.asked = member.asked, None
        try:
            done, total = self._ray.get(asked)
        except self._ray.exceptions.RayError:
            return  # what became of it, its task tells
        if member.task is not None and (done, total) != member.done:
            member.done = (done, total)
            yield Happening("progress", member.task, {"done": done, "total": total})

    def _came(self, member: _Member) -> Iterator[Happening]:
        """What a member waited for is there."""
        ref, member.waits = member.waits, None
        try:
            values = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            yield from self._died(member, error)
            return
        if not member.ready:
            yield from self._joined(member, values)
            return
        task, member.task = member.task, None
        assert task is not None
        if self._elsewhere(member, task, values):
            yield Happening("note", task, {"note": f"{values['reason']} It is tried on another machine."})
        else:
            yield Happening("ended", task, values)

    def _joined(self, member: _Member, values: Mapping[str, Any]) -> Iterator[Happening]:
        if "fatal" in values:
            raise WorkerFailedError(values["fatal"], values["code"])
        member.ready, member.node = True, values["node"]
        member.where = f"{values['host']}:{values['pid']}"
        told = values["ready"]
        self._first = self._first or told
        differ = [name for name in SAME if told.get(name) != self._first.get(name)]
        if differ and not self._mixed:
            said = "; ".join(_difference(name, self._first.get(name), told.get(name)) for name in differ)
            raise ClusterError(
                f"The machines differ, {values['host']} from the first ({said}), and results would depend on "
                "who makes them: make them alike, choose --provider, or say --mixed."
            )
        yield Happening("ready", None, told)

    def _elsewhere(self, member: _Member, task: int, values: Any) -> bool:
        """Whether a task goes to another machine since this one's disk is full; this one gets no more."""
        if not isinstance(values, Mapping) or not values.get("no_room") or self._tries[task]:
            return False
        if all(one.node == member.node for one in self._members):
            return False
        self._tries[task] += 1
        self._again.append(task)
        self._dismiss(member)
        self._say(f"{member.where} has no room on its disk, and gets no more to do.")
        return True

    def _died(self, member: _Member, error: Exception) -> Iterator[Happening]:
        lost = self._is_lost(member, error)
        self._dismiss(member)
        task, member.task = member.task, None
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
                yield Happening("note", task, {"note": f"{reason} It is tried again."})
            else:
                yield Happening("died", task, {"reason": reason})
        if len(self._waiting) + len(self._again) > sum(one.task is None for one in self._members):
            self._hire()

    def _is_lost(self, member: _Member, error: Exception) -> bool:
        """Whether a machine, not a process alone, is gone.

        Of a process Ray knows at once that it died, since its machine says so; a machine that is gone says
        nothing, and it takes half a minute until it counts as dead.
        """
        if isinstance(error, self._ray.exceptions.ActorUnavailableError):
            return True
        return bool(member.node) and member.node not in {one.name for one in self._connection.nodes()}

    def _dismiss(self, member: _Member) -> None:
        self._members.remove(member)
        # Also where it only cannot be reached: nobody else may write what it writes.
        with suppress(Exception):
            self._ray.kill(member.actor)

    def _stop(self) -> None:
        """Let all end with files in order; those that do not are killed."""
        busy = [one for one in self._members if one.task is not None]
        with suppress(Exception):
            for member in busy:
                member.actor.stop.remote()
            if busy:
                self._ray.wait([one.waits for one in busy], num_returns=len(busy), timeout=_PATIENCE)
        for member in list(self._members):
            self._dismiss(member)


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
