"""Defers signals during work that must not stop halfway."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

# SIGHUP comes when the terminal is closed; Windows has none.
_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a terminal's end wait until the block, or the function it decorates, is done.

    Their handlers raise between any two steps of Python. Where an encoder has given a packet that
    is not yet in the file, that packet would be lost, and what follows it could not be played.
    Only the main thread is ever interrupted so; elsewhere nothing is done. A signal that has no
    handler in Python is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        waiting.append(number)

    # Each handler is put back whatever happens, even where the first then raises at once.
    with ExitStack() as stack:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                stack.callback(signal.signal, number, handler)
                signal.signal(number, hold)
        yield
    if waiting:
        signal.raise_signal(waiting[0])
