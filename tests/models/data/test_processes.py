"""Work in processes: one that dies costs the item that it was at, and no other."""

import errno
import os
import threading
from concurrent.futures.process import BrokenProcessPool

import pytest

from emotion.models.data.processes import in_processes
from emotion.models.errors import DatasetError


class Processes:
    """A pool whose processes die of a 13, or of whatever they get."""

    made = 0
    dies_of = frozenset({13})

    def __init__(self, workers, initializer):
        type(self).made += 1

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def map(self, function, items, chunksize):
        for at in range(0, len(items), chunksize):
            chunk = items[at : at + chunksize]
            if self.dies_of is None or self.dies_of & set(chunk):
                raise BrokenProcessPool
            yield from map(function, chunk)


@pytest.fixture
def pool():
    class Fresh(Processes):
        made = 0

    return Fresh


def test_only_the_item_that_ends_its_process_is_lost(pool):
    found = list(in_processes(str, [*range(100), 13], 2, int, pool))
    assert found == [None if n == 13 else str(n) for n in [*range(100), 13]]
    assert pool.made < 8


def test_several_in_a_row_are_lost_alone(pool):
    pool.dies_of = frozenset({40, 41, 42})
    assert list(in_processes(str, range(60), 2, int, pool)).count(None) == 3


def test_processes_that_die_whatever_they_get_end_in_a_sentence(pool):
    pool.dies_of = None
    with pytest.raises(DatasetError, match="whichever picture it is"):
        list(in_processes(str, range(100), 2, int, pool))
    assert pool.made < 10


def test_what_the_function_raises_comes_through(pool):
    with pytest.raises(ZeroDivisionError):
        list(in_processes(lambda n: 1 / n, [1, 0], 2, int, pool))


def test_a_real_process_that_dies_is_distinguished_from_those_that_live():
    assert list(in_processes(_dies_of_two, [1, 2, 3], 1, int)) == [1, None, 3]


def _dies_of_two(number):
    if number == 2:
        os._exit(3)
    return number


_LOCK = threading.Lock()


def _is_held(_: int) -> bool:
    return _LOCK.locked()


def test_processes_do_not_inherit_locks_that_a_thread_holds():
    with _LOCK:
        assert list(in_processes(_is_held, [1], 1, int)) == [False]


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.EROFS, "/dev/shm"), (errno.ENOSYS, "/dev/shm"), (errno.EMFILE, "open more files")],
)
def test_a_machine_on_which_no_process_can_be_started_ends_in_a_sentence(code, advice):
    def pool(workers, initializer):
        raise OSError(code, os.strerror(code))

    with pytest.raises(DatasetError, match=advice):
        list(in_processes(abs, [1], 1, start=bool, pool=pool))
