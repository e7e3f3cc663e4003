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
"""The function, and what its results follow from, as `emotion.provenance.circumstances` says it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call.

    Attributes:
        call: which, by its place among all.
        value: what the function gave; None where it failed.
        error: why it failed, in a sentence; empty where it did not.
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
        self._function, told = self._load()
        return dict(told)

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
) -> Generator[Answer, None, None]:
    """Call a function many times on a cluster; answers come as they are made.

    Args:
        cluster: see `emotion.study.options.read_cluster`.
        load: gives the function, once in each place; it, and all that is passed on, has to be picklable.
        calls: the keyword arguments of each call.
        options: say what a place needs.
        mixed: places may differ in what results follow from.

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
                    yield Answer(one.task, value, error)
                elif one.task is not None and one.kind == "died":
                    yield Answer(one.task, None, one.values["reason"])
