"""The newest item, for one who takes it and for many who look. Each test would hang if it were wrong."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.pipeline.latest import LatestSlot, LatestValue

PATIENCE = 30


@pytest.fixture
def aside():
    with ThreadPoolExecutor() as pool:
        yield pool


def test_the_newest_is_given_and_the_others_are_counted():
    slot = LatestSlot()
    assert all(slot.put(number) for number in range(5))
    slot.close()
    assert list(slot) == [4]
    assert slot.dropped == 4
    assert not slot.put(5)


def test_no_more_are_in_work_than_allowed(aside):
    slot = LatestSlot(in_flight=2)
    for number in range(2):
        slot.put(number)
        assert slot.take() == [number]
    slot.put(2)
    slot.put(3)
    with pytest.raises(NothingYetError):
        slot.take(timeout=0.05)
    waiting = aside.submit(slot.take)
    slot.done()
    assert waiting.result(PATIENCE) == [3]
    assert slot.dropped == 1


def test_what_waits_at_the_end_waits_for_its_turn_still():
    slot = LatestSlot(in_flight=1)
    slot.put(0)
    slot.take()
    slot.put(1)
    slot.close()
    with pytest.raises(NothingYetError):
        slot.take(timeout=0.05)
    slot.done()
    assert slot.take() == [1]
    assert slot.take() == []


def test_every_third_is_a_candidate_and_the_others_count_as_dropped():
    slot = LatestSlot(every=3)
    given = []
    for number in range(7):
        slot.put(number)
        if number % 3 == 0:
            given += slot.take()
    slot.close()
    assert [*given, *slot] == [0, 3, 6]
    assert slot.dropped == 4


@pytest.mark.parametrize("event", ["done", "put", "close", "abort"])
def test_a_lull_begins_when_nothing_is_in_work_or_the_next_item_can_be_taken(aside, event):
    slot = LatestSlot(in_flight=2)
    slot.wait_until_idle()
    slot.put(0)
    slot.take()
    idle = aside.submit(slot.wait_until_idle)
    with pytest.raises(TimeoutError):
        idle.result(0.02)
    getattr(slot, event)(*([1] if event == "put" else []))
    idle.result(PATIENCE)


def test_an_item_that_cannot_be_taken_yet_makes_no_lull(aside):
    slot = LatestSlot(in_flight=1)
    slot.put(0)
    slot.take()
    slot.put(1)
    idle = aside.submit(slot.wait_until_idle)
    with pytest.raises(TimeoutError):
        idle.result(0.02)
    slot.done()
    idle.result(PATIENCE)
    assert slot.take() == [1]


def test_limits_may_change_on_the_way():
    slot = LatestSlot(in_flight=1)
    slot.put(0)
    slot.take()
    slot.put(1)
    slot.in_flight, slot.every = 2, 2
    assert slot.take() == [1]
    slot.put(2)
    slot.put(3)
    slot.done()
    slot.close()
    assert list(slot) == [2]


def test_an_error_comes_after_the_item():
    slot = LatestSlot()
    slot.put(0)
    slot.close(KeyError("damaged"))
    items = iter(slot)
    assert next(items) == 0
    with pytest.raises(KeyError):
        next(items)


def test_abort_frees_who_waits(aside):
    slot = LatestSlot()
    waiting = aside.submit(list, slot)
    slot.abort()
    assert waiting.result(PATIENCE) == []


def test_all_who_look_see_the_newest_value(aside):
    value = LatestValue()
    assert value.newest is None
    waiting = [aside.submit(value.after, 0) for _ in range(3)]
    value.put("first")
    assert [one.result(PATIENCE) for one in waiting] == [(1, "first")] * 3
    value.put("second")
    value.put("third")
    assert value.newest == "third"
    assert value.after(1) == (3, "third")
    assert value.after(0) == (3, "third")


def test_who_waits_for_a_newer_value_sees_the_end(aside):
    value = LatestValue()
    value.put(1)
    started = threading.Event()

    def wait():
        started.set()
        return value.after(1)

    waiting = aside.submit(wait)
    assert started.wait(PATIENCE)
    value.close()
    assert waiting.result(PATIENCE) is None
    assert value.newest == 1
