"""Cleanup that has to happen before the interpreter ends.

At the end of a program Python first shuts down every executor (`concurrent.futures`), and only then
calls what `atexit` and `weakref.finalize` know. MediaPipe runs its native code in executors, so by
that time it can no longer be used, nor even freed: threads that still work with it would fail
one after the other, each with a traceback. Actions registered here run earlier.
"""

import atexit
import concurrent.futures.thread  # noqa: F401  what is registered after its end comes before it
import itertools
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)

_numbers = itertools.count()
# By number: whether it comes last, and what ends. Without a lock, which another thread could hold at
# the very moment of a fork; a dict's single steps need none.
_endings: dict[int, tuple[bool, "weakref.finalize[Any, Any]"]] = {}


def before_exit(
    owner: object, action: Callable[..., object], *args: object, last: bool = False
) -> "weakref.finalize[Any, Any]":
    """Run an action once: when the owner is collected, or at the end of the program.

    Args:
        owner: must not be referenced by the action, or it is never collected.
        action: called with the arguments; the newest first at the end of the program. In a forked
            child, too, where the parent's threads are not: see `Process`.
        last: at the end of the program after all those that are not: for what threads work with.

    Returns:
        as of `weakref.finalize`: call it to do it now, `detach` it to do it never.
    """
    for number, (_, ending) in list(_endings.items()):
        if not ending.alive:
            _endings.pop(number, None)
    ending = weakref.finalize(owner, action, *args)
    ending.atexit = False
    _endings[next(_numbers)] = last, ending
    return ending


class Process:
    """The process in which it was made.

    A fork copies objects, but not the threads that they wait for, and locks as they happen to be.
    """

    def __init__(self) -> None:
        self._number = os.getpid()

    @property
    def here(self) -> bool:
        """Whether this is still that process, not a child that was forked from it."""
        return os.getpid() == self._number


def _end_all() -> None:
    for wanted in (False, True):
        for _, (last, ending) in sorted(_endings.items(), reverse=True):
            if last is wanted:
                try:
                    ending()
                except Exception:  # the others must end all the same
                    _log.warning("failed at the end of the program", exc_info=True)


def _register() -> None:
    # Python has no public way to be called before executors end. Without this one errors would be
    # printed at the end, but nothing else would go wrong.
    register = getattr(threading, "_register_atexit", None) or atexit.register
    register(_end_all)


_register()
