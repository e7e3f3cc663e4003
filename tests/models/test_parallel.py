"""Independent pieces of work on all cores."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from emotion.models.parallel import ThreadPool, parallel_map
from tests.helpers.forks import forks, in_a_child

_SECONDS = 30


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_results_come_in_the_order_of_the_items(pool):
    assert parallel_map(pool, lambda item: 2 * item, [3, 1, 2]) == [6, 2, 4]
    assert parallel_map(pool, lambda item: 2 * item, []) == []


def test_several_are_done_at_the_same_time(pool):
    together = threading.Barrier(2)
    assert sorted(parallel_map(pool, lambda item: together.wait(_SECONDS), "ab")) == [0, 1]


def test_one_alone_is_done_where_it_is_requested(pool):
    assert parallel_map(pool, lambda item: threading.get_ident(), "a") == [threading.get_ident()]


@pytest.mark.parametrize("wrong", [0, 1])
def test_what_goes_wrong_is_raised(pool, wrong):
    def work(item):
        if item == wrong:
            raise ValueError(item)

    with pytest.raises(ValueError, match=str(wrong)):
        parallel_map(pool, work, [0, 1])


@forks
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    with ThreadPool(2, "test") as threads:
        assert parallel_map(threads, str, range(4)) == list("0123")
        assert in_a_child(lambda: parallel_map(threads, str, range(4)) == list("0123")) == 1
        assert parallel_map(threads, str, range(4)) == list("0123")
