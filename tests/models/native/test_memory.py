"""What the system's library is told about memory."""

import ctypes
import sys

import pytest

from emotion import __main__ as entry
from emotion.models.native import memory


class Library:
    def __init__(self, answer=1):
        self.told = []
        self.mallopt = lambda *pair: self.told.append(pair) or answer


@pytest.mark.parametrize("answer", [1, 0])
def test_large_pieces_are_the_systems_and_heaps_are_few(monkeypatch, answer):
    library = Library(answer)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert memory.give_back() is bool(answer)
    assert library.told[0] == (-3, 1 << 20)
    assert ((-8, 2) in library.told) is bool(answer)


def test_other_systems_and_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(sys, "platform", "linux")
    assert memory.give_back() is False
    monkeypatch.setattr(ctypes, "CDLL", None)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory.give_back() is False


def test_the_program_tells_it_before_all_else(monkeypatch):
    told = []
    monkeypatch.setattr(entry, "give_back", lambda: told.append("memory"))
    monkeypatch.setattr(entry, "filter_standard_error", lambda: told.append("log"))
    monkeypatch.setattr(entry, "main", lambda: told.append("main"))
    monkeypatch.setattr(sys, "stdout", None)
    entry.program()
    assert told == ["memory", "log", "main"]
