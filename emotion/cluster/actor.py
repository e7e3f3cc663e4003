"""The actor that runs on a cluster: it loads the models once, and does one task after the other."""

import os
import platform
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from emotion import __version__
from emotion.models.errors import EmotionError


class Stopped(BaseException):
    """Whoever waits for a task wants it no more; like Ctrl-C, it leaves files that are in order."""


class Work(Protocol):
    """What is done in a place; made there, by a function that can be pickled."""

    def ready(self) -> dict[str, Any]:
        """Load what is needed; tells what results follow from, ready for JSON.

        Raises:
            EmotionError: nothing can be done here, nor anywhere else.
        """

    def do(self, task: Any, progress: Callable[[int, int | None], None]) -> Any:
        """Do a task. The progress raises `Stopped` once nobody waits any more."""


class Actor:
    """Works in a process of its own, which may die; two of its calls may run at once.

    Args:
        make: the work.
        version: of the program that asks for it.
    """

    def __init__(self, make: Callable[[], Work], version: str) -> None:
        self._make = make
        self._version = version
        self._work: Work | None = None
        self._stop = threading.Event()
        self._done: tuple[int, int | None] = (0, None)

    def ready(self) -> dict[str, Any]:
        """Load; says where it is (``node``, ``host``, ``pid``), and ``ready``, or ``fatal`` with ``code``."""
        where = {"node": _node(), "host": platform.node(), "pid": os.getpid()}
        if self._version != __version__:
            return where | {
                "fatal": f"{where['host']} has emotion-live {__version__}, and this is {self._version}: "
                "install the same on every machine.",
                "code": 5,
            }
        try:
            self._work = self._make()
            return where | {"ready": self._work.ready()}
        except EmotionError as error:
            return where | {"fatal": str(error), "code": error.exit_code}

    def do(self, task: Any) -> Any:
        """Do a task; None where it was stopped."""
        assert self._work is not None
        self._done = (0, None)
        try:
            return self._work.do(task, self._progress)
        except Stopped:
            return None

    def progress(self) -> tuple[int, int | None]:
        """How far the task is: done, of how many, where that is known."""
        return self._done

    def stop(self) -> None:
        """Nobody waits any more."""
        self._stop.set()

    def _progress(self, done: int, total: int | None) -> None:
        self._done = (done, total)
        if self._stop.is_set():
            raise Stopped


def _node() -> str:
    """Ray's name of this machine; empty where this is no process of Ray's."""
    ray = sys.modules.get("ray")
    return str(ray.get_runtime_context().get_node_id()) if ray is not None and ray.is_initialized() else ""
