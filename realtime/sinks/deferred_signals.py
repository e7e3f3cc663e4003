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
    """Defer Ctrl-C, SIGTERM and SIGHUP until the block, or the function it decorates, is done.

    Their handlers raise between any two instructions of Python. A packet of an encoder that
    is not yet in the file would be lost, and the packets after it could not be played.
    Only the main thread is interrupted in this way; in others nothing is done. A signal without
    a handler in Python is not changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        waiting.append(number)

    # Each handler is restored in any case, even if the first one then raises at once.
    with ExitStack() as stack:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                stack.callback(signal.signal, number, handler)
                signal.signal(number, hold)
        yield
    if waiting:
        signal.raise_signal(waiting[0])
