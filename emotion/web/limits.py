"""Limits on the resources of processes that open untrusted files."""

import os
import signal
import sys


def limit(*, memory_bytes: int = 0, file_bytes: int = 0, cpu_seconds: int = 0) -> None:
    """Limit this process permanently, and lower its priority.

    Windows has no such limits: there a process can only be killed from outside.

    Args:
        memory_bytes: maximum memory; 0: no limit.
        file_bytes: maximum size of a file that it writes; 0: it may not write files.
        cpu_seconds: processor time after which it is killed; 0: no limit.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the server decides; Ctrl-C reaches all processes of a terminal
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  Windows has none

    os.nice(5)
    wanted = {resource.RLIMIT_FSIZE: file_bytes, resource.RLIMIT_CORE: 0}
    if memory_bytes:
        wanted[resource.RLIMIT_DATA] = memory_bytes
    if cpu_seconds:
        wanted[resource.RLIMIT_CPU] = cpu_seconds
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (soft, hard))
