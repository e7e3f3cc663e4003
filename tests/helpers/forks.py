"""Forked children of a test."""

import os
import signal

import pytest

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_a_child(work):
    """What a forked child says, as an exit code; one that waits for ever is ended by its alarm clock."""
    child = os.fork()
    if not child:
        signal.alarm(20)
        os._exit(int(bool(work())))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
