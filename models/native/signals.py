"""How Ctrl-C, SIGTERM and a closed terminal end a command: at once while it loads, later in order."""

import os
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, TypeAlias

_Handler: TypeAlias = Callable[[int, FrameType | None], Any] | signal.Handlers
# SIGHUP comes when the terminal is closed; Windows has none.
_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


def end_at_once() -> None:
    """From now on they end the process without a message, with 128 and their number as its exit code.

    For the time in which modules are imported and no file is open: an exception would be a traceback, or
    would be lost in a library, which then seems to be damaged.
    """
    _handle(dict.fromkeys(_SIGNALS, _at_once))


def end_in_order() -> None:
    """From now on they raise KeyboardInterrupt or SystemExit, so that files are finished.

    Without `end_at_once` before it nothing is changed: the handlers are those of another program.
    """
    if _at_once in map(signal.getsignal, _SIGNALS):
        _handle(dict.fromkeys(_SIGNALS, _in_order) | {signal.SIGINT: signal.default_int_handler})


def end_by_system() -> None:
    """From now on the system ends the process: in Python's own end an exception would be a traceback."""
    _handle(dict.fromkeys(_SIGNALS, signal.SIG_DFL))


def _handle(
    handlers: Mapping[signal.Signals, Callable[[int, FrameType | None], Any] | signal.Handlers],
) -> None:
    """What `nohup`, or a shell for a job in the background, has turned off stays so."""
    for number, handler in handlers.items():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _at_once(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def _in_order(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
