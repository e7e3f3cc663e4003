"""Independent pieces of work on all cores, the caller's thread among them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def side_by_side(pool: Executor, work: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
    """What work makes of each item, in order.

    One alone is done in the caller's thread, where it waits for no other.

    Args:
        pool: of threads; those that submit their own work to it must not wait for that.
        work: is called from several threads at once.
        items: any number.
    """
    if not items:
        return []
    others = [pool.submit(work, item) for item in items[1:]]
    first = work(items[0])
    return [first, *(other.result() for other in others)]
