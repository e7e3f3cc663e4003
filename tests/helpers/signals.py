"""Signals as a program finds them that was started at a terminal, whoever started the tests."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
if hasattr(signal, "SIGHUP"):
    _USUAL[signal.SIGHUP] = signal.SIG_DFL


@contextmanager
def usual_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM mean what they mean at a terminal: here, and in programs that are started meanwhile.

    `nohup`, a shell's background job and some services start programs that ignore them, and what is
    ignored stays so in every child. A handler does not: a child begins with the system's own.
    """
    with ExitStack() as stack:
        for number, usual in _USUAL.items():
            if signal.getsignal(number) is signal.SIG_IGN:
                stack.callback(signal.signal, number, signal.SIG_IGN)
                signal.signal(number, usual)
        yield
