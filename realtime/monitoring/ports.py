"""Shared by all servers on a port of this machine."""

import errno

from emotion.realtime.errors import SinkError

LOOPBACK = "127.0.0.1"
"""Reachable only from this machine."""


def refusal(error: OSError, port: int, option: str) -> SinkError:
    """The message if a port cannot be opened, with advice.

    Args:
        error: of the system.
        port: the requested number.
        option: with which another number can be chosen.
    """
    if error.errno == errno.EADDRINUSE:
        return SinkError(f"Port {port} is taken by another program: choose another with {option} PORT.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SinkError(f"Port {port} is reserved: choose one above 1023 with {option} PORT.")
    return SinkError(f"Port {port} cannot be opened ({error.strerror}): choose another with {option} PORT.")
