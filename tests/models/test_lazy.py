"""Values that are computed by who asks first."""

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from emotion.models.lazy import Lazy, value_of


class Thing:
    """Something that a weak reference can point to."""


def test_it_is_computed_once_and_in_the_thread_that_asks():
    threads = []

    def make():
        threads.append(threading.current_thread())
        return Thing()

    later = Lazy(make)
    assert threads == []
    with ThreadPoolExecutor(1) as pool:
        value = pool.submit(later).result()
    assert threads != [threading.current_thread()]
    assert later() is later() is value
    assert len(threads) == 1


def test_who_asks_meanwhile_waits_for_the_same_value():
    started, go, made = threading.Event(), threading.Event(), []

    def make():
        started.set()
        assert go.wait(30)
        made.append(Thing())
        return made[0]

    later = Lazy(make)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(later)
        assert started.wait(30)
        second = pool.submit(later)
        go.set()
        assert first.result(30) is second.result(30) is made[0]
    assert len(made) == 1


def test_what_it_was_computed_from_is_freed():
    def from_something():
        source = Thing()
        return Lazy(lambda: bool(source)), weakref.ref(source)

    later, kept = from_something()
    assert kept() is not None
    assert later() is True
    assert kept() is None


def test_an_error_is_the_callers_and_the_next_one_tries_again():
    answers = iter([OSError("full"), 3])

    def make():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    later = Lazy(make)
    with pytest.raises(OSError, match="full"):
        later()
    assert later() == 3


def test_what_is_there_already_needs_no_asking():
    assert value_of(3) == 3
    assert value_of(None) is None
    assert value_of(Lazy(lambda: 3)) == 3
