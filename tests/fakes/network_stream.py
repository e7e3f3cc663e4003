"""Runs `stream_sender` as a second process, and does to it what happens to cameras of a network."""

import os
import signal
import socket
import subprocess
import sys
from types import TracebackType
from typing import Self

from tests.helpers.paths import ROOT


class Sender:
    """A stream on loopback; see `tests.fakes.stream_sender` for the kinds.

    Attributes:
        url: where it can be received.
        port: on which; give it to another one to let the same stream come back.
    """

    def __init__(self, kind: str, port: int = 0) -> None:
        self.port = port or (free_udp_port() if kind == "udp" else 0)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.stream_sender", kind, str(self.port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready, self.port = self._process.stdout.readline().split()
        assert ready == "ready"
        self.port = int(self.port)
        self.url = f"{kind.partition('+')[0]}://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cut()

    def tell(self, command: str) -> None:
        """A command, as in `tests.fakes.stream_sender`."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def stall(self) -> None:
        """Nothing is sent any more, but connections stay."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Sending goes on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def cut(self) -> None:
        """The sender is gone from one moment to the next."""
        self._process.kill()
        self._process.communicate()


def free_udp_port() -> int:
    """A port at which nobody sends, and at which anybody may listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
