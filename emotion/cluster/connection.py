"""A Ray cluster: one that is there, or one of this machine's cores and GPUs alone."""

import contextlib
import importlib
import logging
import os
import secrets
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emotion.cluster.errors import ClusterError
from emotion.cluster.slots import Node
from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install
from emotion.realtime.child_process import environment
from emotion.realtime.session import available_cores

LOCAL = "local"
# Results go into files; what goes through Ray is small.
_STORE_BYTES = 80 << 20
# Characters of what Ray says that people are shown.
_MOST_WORDS = 400
_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


class Connection:
    """To a cluster; what it started it ends, and a cluster that was there stays.

    Args:
        address: from `emotion.study.options.read_cluster`. Where this process is connected already, that
            is used.

    Attributes:
        ray: the library.

    Raises:
        ClusterError: there is none.
        MissingDependencyError: Ray is not installed.
    """

    def __init__(self, address: str) -> None:
        self.ray = _library(address)
        self._own = not self.ray.is_initialized()
        if self._own:
            _connect(self.ray, address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave it. May be called again."""
        if self._own and self.ray.is_initialized():
            self.ray.shutdown()

    def nodes(self) -> list[Node]:
        """The machines that are there now."""
        return [
            Node(
                one["NodeID"],
                one["NodeManagerAddress"],
                int(one["Resources"].get("CPU", 0)),
                int(one["Resources"].get("GPU", 0)),
                int(one["Resources"].get("memory", 0)),
            )
            for one in self.ray.nodes()
            if one["Alive"]
        ]


def _library(address: str) -> Any:
    # Nothing is told to anybody, and work is no less urgent than without Ray; it has to be said before a
    # cluster starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")
    # A head with a token wants it of all; of Ray's own ways in, only ray:// does not send it by itself.
    there = any(os.environ.get(name) for name in _TOKENS) or _kept_token().exists()
    if there and address.startswith("ray://"):
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise MissingDependencyError(f"--cluster needs Ray: {pip_install('cluster')} ({error})") from error


def _connect(ray: Any, address: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        _keep_token()
        # Nobody else can reach it.
        where = {"address": "local", "_node_ip_address": "127.0.0.1"}
        size = {"num_cpus": available_cores(), "object_store_memory": _STORE_BYTES}
        chosen: dict[str, Any] = {**where, **size, "include_dashboard": False, **quiet}
    else:
        chosen = {"address": address, **quiet}
    try:
        # Ray lets workers import what lies where this process stands: there may be a user's random.py.
        with findable(), contextlib.chdir(sys.prefix), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what fails is raised, too
            _init(ray, chosen)
    except Exception as error:  # Ray raises many kinds, and plain ones too
        what = "Ray cannot start here" if address == LOCAL else f"There is no cluster at {address}"
        elsewhere = f"start one with 'ray start --head', copy its token to {_kept_token()} if it has one"
        advice = "use --jobs" if address == LOCAL else elsewhere
        raise ClusterError(f"{what} ({_in_a_line(error)}): {advice}, or try again.") from error


def _kept_token() -> Path:
    return Path(os.path.expanduser("~"), ".ray", "auth_token")  # unlike Path.home(), also without a home


def _keep_token() -> None:
    """Give Ray a token of this process where it cannot write one into the home, as with ``docker run -u``."""
    folder = _kept_token().parent
    if not os.access(folder if folder.is_dir() else folder.parent, os.W_OK) and not _kept_token().exists():
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _init(ray: Any, chosen: dict[str, Any]) -> None:
    try:
        ray.init(**chosen)
    except Exception as error:  # of no kind of its own
        # On a busy machine half a minute may be too short for a first start, from a cold disk.
        if chosen["address"] != LOCAL or "timed out during startup" not in str(error):
            raise
        ray.init(**chosen)


def _in_a_line(error: Exception) -> str:
    """What Ray says, which may be a table of versions on several lines."""
    return textwrap.shorten(str(error), _MOST_WORDS, placeholder=" ...") or type(error).__name__


@contextlib.contextmanager
def findable() -> Iterator[None]:
    """Nodes that start meanwhile find this package, also where it is not installed but lies in a checkout."""
    before = os.environ.get("PYTHONPATH")
    if (path := environment().get("PYTHONPATH")) is not None:
        os.environ["PYTHONPATH"] = path
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = before
