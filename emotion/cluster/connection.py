"""The connection to a Ray cluster: a running one, or a new one with this machine's cores and GPUs only."""

import contextlib
import importlib
import logging
import os
import secrets
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from emotion.cluster.errors import ClusterError
from emotion.cluster.probe import token_file, wants_token
from emotion.cluster.slots import Node
from emotion.models.cores import available_cores
from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install
from emotion.realtime.child_process import environment

LOCAL, AUTO = "local", "auto"
# Results go into files; objects in Ray are small.
_STORE_BYTES = 80 << 20
# Maximum length of Ray's messages that are shown.
_MOST_WORDS = 400
# What could not be done, and what to do.
_ADVICE = {
    LOCAL: ("Ray cannot start here", "leave --cluster out"),
    AUTO: (
        "This machine belongs to no cluster that answers",
        "start one with 'ray start --head' or 'ray start --address=HEAD:6379', name its address",
    ),
}
# Ray's setting for authentication with tokens.
_MODE = "RAY_AUTH_MODE"


class Connection:
    """A connection to a cluster; on close, a cluster that it started is stopped, others continue.

    Args:
        address: from `emotion.study.options.read_cluster`. An existing connection of this process
            is used.
        say: called with a message about what is waited for.

    Attributes:
        ray: the library.

    Raises:
        ClusterError: there is no cluster.
        MissingDependencyError: Ray is not installed.
    """

    def __init__(self, address: str, say: Callable[[str], object] = lambda sentence: None) -> None:
        self.ray = _library()
        self._own = not self.ray.is_initialized()
        self._mode = os.environ.get(_MODE)
        if self._own:
            try:
                _reach(address, say)
                _connect(self.ray, address)
            except BaseException:
                _set_mode(self._mode)
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect. May be called again."""
        if self._own and self.ray.is_initialized():
            self.ray.shutdown()
            # Ray does not reset its mode, which may be wrong for the next cluster.
            _set_mode(self._mode)

    def nodes(self) -> list[Node]:
        """The current machines."""
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


def _library() -> Any:
    # No usage reports, and no lower priority than without Ray; this must be set before a
    # cluster starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise MissingDependencyError(f"--cluster needs Ray: {pip_install('cluster')} ({error})") from error


def _reach(address: str, say: Callable[[str], object]) -> None:
    """Wait for a response, and from now on send this machine's token if the cluster requires it."""
    named = os.environ.get("RAY_ADDRESS", "") if address == AUTO else address
    if address == LOCAL:
        say("Starting Ray on this machine ...")
        return
    say(f"Connecting to the cluster {f'at {named}' if named else 'of this machine'} ...")
    # With Ray's own certificates only Ray itself can connect.
    if ":" not in named or os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return
    with contextlib.suppress(ImportError):
        if wants_token(named) and _MODE not in os.environ:
            _set_mode("token")


def _set_mode(mode: str | None) -> None:
    """Change whether Ray sends a token; it has read its settings at import."""
    if os.environ.get(_MODE) == mode:
        return
    if mode is None:
        del os.environ[_MODE]
    else:
        os.environ[_MODE] = mode
    with contextlib.suppress(ImportError, AttributeError):  # before Ray had tokens
        importlib.import_module("ray._raylet").Config.initialize("")


def _connect(ray: Any, address: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        _keep_token()
        # It is reachable from this machine only.
        where = {"address": "local", "_node_ip_address": "127.0.0.1"}
        size = {"num_cpus": available_cores(), "object_store_memory": _STORE_BYTES}
        chosen: dict[str, Any] = {**where, **size, "include_dashboard": False, **quiet}
    else:
        chosen = {"address": address, **quiet}
    try:
        # Ray lets workers import from this process's working folder: it may contain a user's random.py.
        with findable(), contextlib.chdir(sys.prefix), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # failures are raised, too
            _init(ray, chosen)
    except Exception as error:  # Ray raises many kinds, and plain ones too
        what, advice = _ADVICE.get(address, (f"The cluster at {address} cannot be used", "see what it says"))
        raise ClusterError(f"{what} ({_in_a_line(error)}): {advice}, or try again.") from error


def _keep_token() -> None:
    """Give Ray a token if it cannot write one into the home, as with ``docker run -u``."""
    file = token_file()
    folder = file.parent
    if not os.access(folder if folder.is_dir() else folder.parent, os.W_OK) and not file.exists():
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _init(ray: Any, chosen: dict[str, Any]) -> None:
    try:
        ray.init(**chosen)
    except Exception as error:  # Ray has no specific class for it
        # On a busy machine half a minute may be too short for a first start, from a cold disk.
        if chosen["address"] != LOCAL or "timed out during startup" not in str(error):
            raise
        ray.init(**chosen)


def _in_a_line(error: Exception) -> str:
    """Ray's message, which may be a table of versions on several lines."""
    return textwrap.shorten(str(error), _MOST_WORDS, placeholder=" ...") or type(error).__name__


@contextlib.contextmanager
def findable() -> Iterator[None]:
    """Within the block, nodes that start find this package, also if it is not installed but in a checkout."""
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
