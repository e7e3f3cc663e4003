"""How the program ends when it is told to, and what it does when nobody reads any more."""

import io
import os
import signal
import sys

import pytest

from emotion import __main__ as program
from emotion.cli import console as consoles
from emotion.cli import progress
from emotion.cli.console import PlainConsole


@pytest.fixture
def signals():
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no terminals that hang up")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_program_in_order(signals, name):
    number = getattr(signal, name)
    signal.signal(number, signal.SIG_DFL)
    program._obey_signals()
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(number)
    assert end.value.code == 128 + number


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no terminals that hang up")
def test_what_nohup_has_turned_off_stays_so(signals):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    program._obey_signals()
    signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_signals_after_the_work_make_no_traceback(signals, monkeypatch):
    monkeypatch.setattr(program, "filter_standard_error", lambda: None)
    monkeypatch.setattr(program, "main", lambda: sys.exit(3))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(SystemExit) as end:
        program.program()
    assert end.value.code == 3
    assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def closed_pipe():
    """What a program writes to whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    return io.TextIOWrapper(io.FileIO(writer, "w"), encoding="utf-8", write_through=True)


def test_a_closed_output_stops_the_output_and_not_the_work(monkeypatch):
    pipe = closed_pipe()
    console = PlainConsole()
    monkeypatch.setattr(console, "_file", pipe)
    console.print("one")
    console.print("two")
    pipe.close()  # what it still holds goes nowhere, without a word


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_stops_no_work_either(monkeypatch):
    console = PlainConsole()
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(console, "_file", full)
        console.print("one")
        console.print("two")


def test_a_bar_goes_on_where_nobody_watches(monkeypatch):
    pipe = closed_pipe()
    monkeypatch.setattr(consoles.errors, "_file", pipe)
    monkeypatch.setattr(consoles.errors, "_force_terminal", True)
    with progress.counting("work") as done:
        done(1, 2)
        done(2, 2)
    pipe.close()


def test_events_begin_where_the_reader_has_left(monkeypatch):
    from emotion.realtime.sinks.events import EventSink

    pipe = closed_pipe()
    pipe = io.TextIOWrapper(io.BufferedWriter(pipe.detach()), encoding="utf-8")
    pipe.write("said before")
    monkeypatch.setattr(sys, "stdout", pipe)
    assert EventSink().abort() is None
    with pytest.raises(BrokenPipeError):
        pipe.close()
