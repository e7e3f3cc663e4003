"""Signals wait until a piece of work is done, and then are what they would have been."""

import signal
import threading

import pytest

from emotion.realtime.sinks.deferred_signals import deferred_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def heard():
    """The signals that arrive, in order."""
    told = []
    before = {number: signal.signal(number, lambda number, frame: told.append(number)) for number in SIGNALS}
    yield told
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_the_block(heard, number):
    with deferred_signals():
        signal.raise_signal(number)
        assert heard == []
    assert heard == [number]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_a_function(heard, number):
    @deferred_signals()
    def work():
        signal.raise_signal(number)
        return list(heard)

    assert work() == []
    assert heard == [number]


def test_of_several_the_first_counts(heard):
    with deferred_signals():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGTERM]


def test_afterwards_signals_arrive_at_once_also_where_the_work_failed(heard):
    with pytest.raises(RuntimeError), deferred_signals():
        raise RuntimeError
    signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGINT]


def test_what_is_ignored_stays_ignored(heard):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred_signals():
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert heard == []


def test_in_other_threads_nothing_is_done(heard):
    handlers = []

    def work():
        with deferred_signals():
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [before]
