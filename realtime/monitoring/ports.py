"""What all servers on a port of this machine share."""

import errno

from emotion.realtime.errors import SinkError

LOOPBACK = "127.0.0.1"
"""Only programs on this machine reach it."""


def refusal(error: OSError, port: int, option: str) -> SinkError:
    """Why nobody can listen on a port, and what to do.

    Args:
        error: what the system said.
        port: the number that was asked for.
        option: the one that takes another number.
    """
    if error.errno == errno.EADDRINUSE:
        return SinkError(f"Port {port} is taken by another program: choose another with {option} PORT.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SinkError(f"Port {port} is reserved: choose one above 1023 with {option} PORT.")
    return SinkError(
        f"Nobody can listen on port {port} ({error.strerror}): choose another with {option} PORT."
    )
