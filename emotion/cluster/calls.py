"""Calls of a function on a cluster; each worker loads what the function needs once."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from emotion.cluster.connection import Connection
from emotion.cluster.scheduler import TaskScheduler
from emotion.cluster.slots import slots_of
from emotion.models.errors import EmotionError
from emotion.realtime.options import Options

Loaded: TypeAlias = tuple[Callable[..., Any], Mapping[str, Any]]
"""The function, and what its results depend on, from `emotion.provenance.provenance_of_run`."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """The outcome of a call.

    Attributes:
        call: its index.
        value: the function's result; None if it failed.
        error: message if it failed; else empty.
    """

    call: int
    value: Any
    error: str = ""


class _Calls:
    """See `emotion.cluster.actor.Work`."""

    def __init__(self, load: Callable[[], Loaded]) -> None:
        self._load = load
        self._function: Callable[..., Any] | None = None

    def ready(self) -> dict[str, Any]:
        self._function, provenance = self._load()
        return dict(provenance)

    def do(self, task: Mapping[str, Any], progress: Callable[[int, int | None], None]) -> tuple[Any, str]:
        assert self._function is not None
        try:
            return self._function(**task), ""
        except EmotionError as error:
            return None, str(error)


def call_on(
    cluster: str,
    load: Callable[[], Loaded],
    calls: Sequence[Mapping[str, Any]],
    options: Options,
    mixed: bool = False,
) -> Generator[CallResult, None, None]:
    """Call a function many times on a cluster; yields results as they arrive.

    Args:
        cluster: see `emotion.study.options.read_cluster`.
        load: returns the function, once per actor; it, and all arguments, must be picklable.
        calls: the keyword arguments of each call.
        options: determine the resources of an actor.
        mixed: machines may differ in what results depend on.

    Raises:
        ClusterError, WorkerFailedError, MissingDependencyError: see `emotion.cluster.pool.ClusterPool.run`.
    """
    if not calls:
        return
    with Connection(cluster) as connection:
        slots = slots_of(connection.nodes(), options, None, len(calls))
        scheduler = TaskScheduler(connection, partial(_Calls, load), slots, mixed)
        with closing(scheduler.run(calls)) as events:
            for one in events:
                if one.task is not None and one.kind == "ended":
                    value, error = one.values
                    yield CallResult(one.task, value, error)
                elif one.task is not None and one.kind == "died":
                    yield CallResult(one.task, None, one.values["reason"])
