"""How the program ends when it is told to, and what it does when nobody reads any more."""

import io
import os
import signal
import subprocess
import sys

import pytest

from emotion import __main__ as program
from emotion.cli import console as consoles
from emotion.cli import progress
from emotion.cli.console import PlainConsole
from emotion.models.native import log
from emotion.models.native import signals as native
from emotion.realtime.child_process import environment
from tests.helpers.signals import usual_signals


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
def test_a_signal_ends_a_command_in_order(signals, name):
    number = getattr(signal, name)
    signal.signal(number, signal.SIG_DFL)
    native.end_at_once()
    native.end_in_order()
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(number)
    assert end.value.code == 128 + number


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no terminals that hang up")
def test_what_nohup_has_turned_off_stays_so(signals):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for change in (native.end_at_once, native.end_in_order, native.end_by_system):
        change()
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_the_handlers_of_another_program_stay(signals):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    native.end_in_order()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


_INTERRUPTED = """
import os, runpy, sys
module, sent, number = sys.argv[1:4]
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == sent:
            os.kill(os.getpid(), int(number))
sys.meta_path.insert(0, Interrupting())
sys.argv[1:] = sys.argv[4:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("module", "imported", "arguments"),
    [
        ("emotion", "emotion.models.cores", ["--version"]),
        ("emotion", "typer", ["--version"]),
        ("emotion", "emotion.realtime", ["annotate", "clip.mp4"]),
        ("emotion.learn", "typer", ["--help"]),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals between processes")
def test_a_signal_while_modules_are_imported_ends_without_a_message(
    tmp_path, module, imported, arguments, number, code
):
    command = [sys.executable, "-c", _INTERRUPTED, module, imported, str(int(number)), *arguments]
    with usual_signals():
        run = subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=60
        )
    assert (run.returncode, run.stdout, run.stderr) == (code, "", "")


def test_signals_after_the_work_make_no_traceback(signals, monkeypatch):
    monkeypatch.setattr(log, "filter_standard_error", lambda: None)
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
