"""The actor that runs on a cluster: it loads the models once, and runs one task after the other."""

import os
import platform
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from emotion import __version__
from emotion.models.errors import EmotionError


class Stopped(BaseException):
    """The task was cancelled; as after Ctrl-C, its files are valid."""


class Work(Protocol):
    """The work of an actor; created there, by a function that can be pickled."""

    def ready(self) -> dict[str, Any]:
        """Load what is needed; returns what results depend on, ready for JSON.

        Raises:
            EmotionError: no task can be done, on any machine.
        """

    def do(self, task: Any, progress: Callable[[int, int | None], None]) -> Any:
        """Run a task. The progress raises `Stopped` once it is cancelled."""


class Actor:
    """Runs in its own process, which may crash; two of its calls may run at once.

    Args:
        make: the work.
        version: of the program on the driver.
    """

    def __init__(self, make: Callable[[], Work], version: str) -> None:
        self._make = make
        self._version = version
        self._work: Work | None = None
        self._stop = threading.Event()
        self._done: tuple[int, int | None] = (0, None)

    def ready(self) -> dict[str, Any]:
        """Load; returns ``node``, ``host``, ``pid``, and ``ready``, or ``fatal`` with ``code``."""
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
        """Run a task; None if it was cancelled."""
        assert self._work is not None
        self._done = (0, None)
        try:
            return self._work.do(task, self._progress)
        except Stopped:
            return None

    def progress(self) -> tuple[int, int | None]:
        """The progress of the task: done, and the total if known."""
        return self._done

    def stop(self) -> None:
        """Cancel the task."""
        self._stop.set()

    def _progress(self, done: int, total: int | None) -> None:
        self._done = (done, total)
        if self._stop.is_set():
            raise Stopped


def _node() -> str:
    """Ray's name of this machine; empty if this is not a process of Ray."""
    ray = sys.modules.get("ray")
    return str(ray.get_runtime_context().get_node_id()) if ray is not None and ray.is_initialized() else ""
