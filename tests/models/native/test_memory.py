"""What the system's library is told about memory."""

import ctypes
import sys
from functools import partial

import pytest

from emotion import __main__ as entry
from emotion.models import cores
from emotion.models.native import log, memory


class Library:
    def __init__(self, answer):
        self.reported = []
        self.mallopt = lambda *pair: self.reported.append(pair) or answer
        self.malloc_trim = lambda kept: self.reported.append(kept.value) or answer


@pytest.mark.parametrize("answer", [1, 0])
def test_threads_share_two_heaps(monkeypatch, answer):
    library = Library(answer)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert memory.share_heaps() is bool(answer)
    assert library.reported == [(-8, 2)]


@pytest.mark.parametrize("answer", [1, 0])
def test_what_lies_free_is_given_back_to_the_last_page(monkeypatch, answer):
    library = Library(answer)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert memory.give_back() is bool(answer)
    assert library.reported == [0]


@pytest.mark.parametrize("ask", [memory.share_heaps, memory.give_back])
def test_other_systems_and_libraries_are_left_alone(monkeypatch, ask):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(sys, "platform", "linux")
    assert ask() is False
    monkeypatch.setattr(ctypes, "CDLL", None)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ask() is False


@pytest.mark.parametrize(
    ("arguments", "moments"), [((), [33, 66, 99]), ((200e6,), [65]), ((memory.LIVE_TURNOVER,), [])]
)
def test_memory_is_given_back_whenever_so_many_bytes_have_passed(monkeypatch, arguments, moments):
    given, passed = [], 0
    turnover = memory.Turnover(*arguments)
    monkeypatch.setattr(memory, "give_back", lambda: given.append(passed))
    for passed in range(1, 101):  # noqa: B007
        turnover.passed(3_110_400)
    assert given == moments


def test_the_program_tells_it_before_all_else(monkeypatch):
    reported = []
    steps = {
        (entry, "end_at_once"): "signals",
        (log, "occupy_standard_files"): "files",
        (memory, "share_heaps"): "memory",
        (cores, "leave_out_opencv_threads"): "threads",
        (log, "filter_standard_error"): "log",
        (entry, "main"): "main",
        (entry, "end_by_system"): "end",
    }
    for (module, name), step in steps.items():
        monkeypatch.setattr(module, name, partial(reported.append, step))
    monkeypatch.setattr(sys, "stdout", None)
    entry.program()
    assert reported == [*steps.values()]
