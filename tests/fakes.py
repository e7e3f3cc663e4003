"""Sources and stages for tests of the pipeline: plain classes that count what is done to them."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(eq=False)
class Item:
    """Something that travels, and knows its place, as a frame does."""

    index: int


class Numbers:
    """The items 0 to count - 1; then the error, if there is one."""

    def __init__(self, count: int, error: BaseException | None = None) -> None:
        self.count = count
        self.error = error
        self.closed_in: list[threading.Thread] = []

    def __iter__(self) -> Iterator[Item]:
        yield from map(Item, range(self.count))
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed_in.append(threading.current_thread())


class Stuck:
    """Gives `count` items, then waits for ever, or until it is aborted."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.waiting = threading.Event()
        self.freed = threading.Event()
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[Item]:
        yield from map(Item, range(self.count))
        self.waiting.set()
        self.freed.wait()

    def close(self) -> None:
        assert not self.closed.is_set()
        self.closed.set()


class Camera(Stuck):
    """A `Stuck` that can be aborted."""

    def __init__(self, count: int = 0) -> None:
        super().__init__(count)
        self.aborts = 0

    def abort(self) -> None:
        self.aborts += 1
        self.freed.set()


class Through:
    """Passes items on, and notes batches, threads and its end. `action` may raise, wait or replace."""

    def __init__(
        self,
        name: str = "through",
        batch: int = 1,
        action: Callable[[Item], Item | None] | None = None,
        close_error: BaseException | None = None,
    ) -> None:
        self.name = name
        self.batch = batch
        self.action = action
        self.close_error = close_error
        self.sizes: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.closed_in: list[threading.Thread] = []

    def process(self, items: Sequence[Item]) -> Iterable[Item]:
        self.threads.add(threading.current_thread())
        self.sizes.append(len(items))
        for item in items:
            yield (self.action(item) or item) if self.action else item

    def close(self) -> None:
        self.closed_in.append(threading.current_thread())
        if self.close_error is not None:
            raise self.close_error


def failing_at(index: int, error: BaseException) -> Callable[[Item], None]:
    """An action that raises `error` at one item."""

    def action(item: Item) -> None:
        if item.index == index:
            raise error

    return action
