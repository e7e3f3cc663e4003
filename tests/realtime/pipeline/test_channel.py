"""The channel: order, room, and the two ways in which it ends. Each test would hang if it were wrong."""

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from random import Random

import pytest

from emotion.realtime.pipeline.channel import Channel, NothingYetError, Policy
from tests.fakes.pipeline_parts import Item


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def everything(channel: Channel[int], limit: int = 1) -> list[int]:
    taken: list[int] = []
    while batch := channel.take(limit):
        taken += batch
    return taken


def closed(*items: int, error: BaseException | None = None) -> Channel[int]:
    channel: Channel[int] = Channel(max(1, len(items)))
    for item in items:
        assert channel.put(item)
    assert channel.close(error)
    return channel


def test_items_come_in_order() -> None:
    assert everything(closed(1, 2, 3)) == [1, 2, 3]


def test_a_batch_is_what_is_there_up_to_the_limit() -> None:
    channel = closed(1, 2, 3, 4, 5)
    assert [channel.take(3), channel.take(3), channel.take(3)] == [[1, 2, 3], [4, 5], []]


def test_a_batch_never_waits_to_be_filled() -> None:
    channel: Channel[int] = Channel(8)
    channel.put(1)
    assert channel.take(8) == [1]


def test_a_full_batch_waits_for_all_of_it_or_the_end(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(4)
    taken = aside.submit(lambda: [channel.take(3, least=3), channel.take(3, least=3)])
    assert all(map(channel.put, range(5)))
    channel.close()
    assert taken.result() == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize("capacity", [0, 2])
def test_a_reader_that_waits_for_more_than_there_is_room_for_makes_room(
    aside: ThreadPoolExecutor, capacity: int
) -> None:
    channel: Channel[int] = Channel(capacity)
    taken = aside.submit(channel.take, 8, least=5)
    assert all(map(channel.put, range(5)))
    assert taken.result() == [0, 1, 2, 3, 4]


def test_without_room_an_item_is_taken_only_when_a_reader_waits(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(0)
    put = aside.submit(channel.put, 1)
    with pytest.raises(FutureTimeoutError):
        put.result(0.05)
    assert channel.take() == [1]
    assert put.result()


def test_a_reader_that_gives_up_leaves_no_room_behind() -> None:
    channel: Channel[int] = Channel(0)
    with pytest.raises(NothingYetError):
        channel.take(timeout=0.01)
    assert channel._full


def test_a_writer_without_room_learns_of_the_end(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(0)
    put = aside.submit(channel.put, 1)
    channel.abort()
    assert not put.result()


def test_waiting_for_a_full_batch_ends_with_the_channel(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(8)
    channel.put(1)
    taken = aside.submit(channel.take, 8, least=8)
    channel.abort()
    assert taken.result() == []


def test_an_error_follows_the_part_of_a_full_batch() -> None:
    channel = closed(1, 2, error=KeyError("damaged"))
    assert channel.take(2, least=2) == [1, 2]
    with pytest.raises(KeyError):
        channel.take(2, least=2)


@pytest.mark.parametrize("capacity", [0, 1, 2, 7])
@pytest.mark.parametrize("limit", [1, 3, 20])
def test_nothing_is_lost_between_two_threads(aside: ThreadPoolExecutor, capacity: int, limit: int) -> None:
    channel: Channel[int] = Channel(capacity)
    taken = aside.submit(everything, channel, limit)
    assert all(map(channel.put, range(2000)))
    channel.close()
    assert taken.result() == list(range(2000))
    assert channel.dropped == 0


def test_put_waits_for_room(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    put = aside.submit(channel.put, 2)
    assert channel.take(5) == [1]
    assert put.result()
    assert channel.take(5) == [2]


def test_the_oldest_is_dropped_and_counted() -> None:
    channel: Channel[int] = Channel(2, Policy.DROP_OLDEST)
    assert all(map(channel.put, range(5)))
    channel.close()
    assert everything(channel) == [3, 4]
    assert channel.dropped == 3


def test_what_is_dropped_and_what_is_taken_add_up(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(1, Policy.DROP_OLDEST)
    taken = aside.submit(everything, channel)
    assert all(map(channel.put, range(5000)))
    channel.close()
    assert taken.result() == sorted(set(taken.result()))
    assert taken.result()[-1] == 4999
    assert len(taken.result()) + channel.dropped == 5000


def test_an_error_comes_once_after_the_items() -> None:
    error = KeyError("lost")
    channel = closed(1, 2, error=error)
    assert channel.take(1) == [1]
    assert channel.take(5) == [2]
    with pytest.raises(KeyError) as caught:
        channel.take()
    assert caught.value is error
    assert channel.take() == []


def test_the_first_end_counts() -> None:
    channel = closed(1)
    assert not channel.close(ValueError("too late"))
    assert not channel.put(2)
    assert everything(channel) == [1]


def test_abort_drops_items_and_error() -> None:
    channel = closed(1, 2, error=ValueError("dropped"))
    channel.abort()
    channel.abort()
    assert channel.take() == []
    assert not channel.put(3)
    assert not channel.close(ValueError("nobody listens"))


def test_abort_lets_the_items_go() -> None:
    channel: Channel[Item] = Channel(1)
    item = Item(0)
    gone = weakref.ref(item)
    channel.put(item)
    del item
    channel.abort()
    assert gone() is None


def test_a_raised_error_is_freed_without_the_collector() -> None:
    class Marked(Exception):
        pass

    channel: Channel[int] = Channel(1)
    error = Marked()
    gone = weakref.ref(error)
    channel.close(error)
    del error
    with contextlib.suppress(Marked):
        channel.take()
    assert gone() is None


def wait_until_blocked(channel: Channel[int], side: str) -> None:
    """Returns when a thread waits inside the channel: only its condition knows."""
    condition: threading.Condition = getattr(channel, side)
    while True:
        with channel._lock:
            if condition._waiters:  # type: ignore[attr-defined]
                return


@pytest.mark.parametrize("end", [Channel.close, Channel.abort])
def test_the_end_wakes_a_waiting_reader(
    aside: ThreadPoolExecutor, end: Callable[[Channel[int]], None]
) -> None:
    channel: Channel[int] = Channel(1)
    taken = aside.submit(channel.take)
    wait_until_blocked(channel, "_readable")
    end(channel)
    assert taken.result() == []


@pytest.mark.parametrize("end", [Channel.close, Channel.abort])
def test_the_end_wakes_a_waiting_writer(
    aside: ThreadPoolExecutor, end: Callable[[Channel[int]], None]
) -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    put = aside.submit(channel.put, 2)
    wait_until_blocked(channel, "_writable")
    end(channel)
    assert not put.result()


def test_the_end_wakes_all(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(1)
    start = threading.Barrier(5)

    def take() -> list[int]:
        start.wait()
        return channel.take()

    readers = [aside.submit(take) for _ in range(4)]
    start.wait()
    channel.close()
    assert [reader.result() for reader in readers] == [[]] * 4


@pytest.mark.parametrize("policy", Policy)
def test_ends_at_any_moment(aside: ThreadPoolExecutor, policy: Policy) -> None:
    random = Random(0)
    for _ in range(300):
        channel: Channel[int] = Channel(random.randint(1, 3), policy)
        count, stop = random.randint(0, 50), random.randint(0, 50)
        start = threading.Barrier(3)
        jobs = [
            aside.submit(_write, start, channel, count),
            aside.submit(_read_some, start, channel, stop),
            aside.submit(_abort, start, channel, random.random() < 0.5),
        ]
        _all_done(jobs)
        assert not channel.put(0)
        assert channel.take() == []


def _write(start: threading.Barrier, channel: Channel[int], count: int) -> None:
    start.wait()
    all(map(channel.put, range(count)))
    channel.close()


def _read_some(start: threading.Barrier, channel: Channel[int], stop: int) -> None:
    start.wait()
    for _ in range(stop):
        channel.take(2)
    channel.abort()


def _abort(start: threading.Barrier, channel: Channel[int], really: bool) -> None:
    start.wait()
    if really:
        channel.abort()


def _all_done(jobs: list[Future[None]]) -> None:
    for job in jobs:
        job.result()


def test_a_reader_may_wait_for_a_limited_time() -> None:
    channel: Channel[int] = Channel(1)
    for seconds in (0.0, 0.01):
        with pytest.raises(NothingYetError):
            channel.take(timeout=seconds)
    channel.put(1)
    assert channel.take(timeout=0.0) == [1]
    channel.close()
    assert channel.take(timeout=0.0) == []


def test_what_comes_in_time_is_taken(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(1)
    taken = aside.submit(channel.take, timeout=60)
    wait_until_blocked(channel, "_readable")
    channel.put(1)
    assert taken.result() == [1]


@pytest.mark.parametrize(("capacity", "policy"), [(-1, Policy.WAIT), (0, Policy.DROP_OLDEST)])
def test_no_channel_with_less_than_no_room_or_none_where_items_are_dropped(
    capacity: int, policy: Policy
) -> None:
    with pytest.raises(ValueError, match=f"hold {capacity} items"):
        Channel(capacity, policy)


def test_iteration_gives_all_items_and_then_the_error() -> None:
    items = iter(closed(1, 2, error=KeyError("damaged")))
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(KeyError):
        next(items)


def test_an_item_is_not_kept_while_its_reader_works_on_it() -> None:
    channel: Channel[Item] = Channel(2)
    channel.put(Item(0))
    channel.close()
    for item in channel:
        kept = weakref.ref(item)
        del item
        assert kept() is None


def test_clearing_drops_what_waits_and_makes_room(aside: ThreadPoolExecutor) -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    waiting = aside.submit(channel.put, 2)
    channel.clear()
    assert waiting.result()
    assert channel.take() == [2]
    channel.put(3)
    channel.clear()
    channel.close()
    assert channel.take() == []


def test_a_writer_may_wait_where_the_channel_drops_and_drop_where_it_waits(aside: ThreadPoolExecutor) -> None:
    dropping: Channel[int] = Channel(1, Policy.DROP_OLDEST)
    dropping.put(1)
    waiting = aside.submit(dropping.put, 2, Policy.WAIT)
    assert dropping.take() == [1]
    assert waiting.result()
    assert (dropping.take(), dropping.dropped) == ([2], 0)
    patient: Channel[int] = Channel(1)
    patient.put(1)
    assert patient.put(2, Policy.DROP_OLDEST)
    assert (patient.take(), patient.dropped) == ([2], 1)
