"""Sources, stages and sinks for tests of the pipeline: plain classes that count what is done to them."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink

_END = object()


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


class Holding(Through):
    """Holds items back until `ahead` more have come."""

    def __init__(self, ahead: int, name: str = "holding") -> None:
        super().__init__(name)
        self.ahead = ahead
        self.held: list[Item] = []

    def process(self, items: Sequence[Item]) -> Iterable[Item]:
        self.held += super().process(items)
        while len(self.held) > self.ahead:
            yield self.held.pop(0)

    def finish(self) -> Iterable[Item]:
        held, self.held = self.held, []
        return held


class AfterResults(Through):
    """Has something to do after its results were handed on."""

    def __init__(self, do: Callable[[], None], name: str = "later", batch: int = 1) -> None:
        super().__init__(name, batch)
        self.after_results = do


def failing_at(index: int, error: BaseException) -> Callable[[Item], None]:
    """An action that raises `error` at one item."""

    def action(item: Item) -> None:
        if item.index == index:
            raise error

    return action


class FakeSink(Sink):
    """Notes the frames it is given, its threads and its end.

    Args:
        path: what `close` and `abort` return.
        gate: each write waits for it.
        error, error_at: the write of frame `error_at` raises `error`.
        close_error, gate_close: what `close` raises, and what it waits for before.
        expected: after so many frames `all_seen` is set.
    """

    def __init__(
        self,
        *,
        path: Path | None = None,
        gate: threading.Event | None = None,
        error: BaseException | None = None,
        error_at: int = 0,
        close_error: BaseException | None = None,
        gate_close: threading.Event | None = None,
        expected: int = 0,
    ) -> None:
        self.path = path
        self.gate = gate
        self.error = error
        self.error_at = error_at
        self.close_error = close_error
        self.gate_close = gate_close
        self.expected = expected
        self.seen: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.writing = threading.Event()
        self.all_seen = threading.Event()
        self.end: str | None = None
        self.ended = threading.Event()

    def write(self, result: EmotionFrame, image: Image) -> None:
        self.threads.add(threading.current_thread())
        self.writing.set()
        if self.gate:
            self.gate.wait()
        if self.error is not None and result.frame.index == self.error_at:
            raise self.error
        self.seen.append(result.frame.index)
        if len(self.seen) == self.expected:
            self.all_seen.set()

    def close(self) -> Path | None:
        if self.gate_close:
            self.gate_close.wait()
        if self.close_error is not None:
            raise self.close_error
        self._end("close")
        return self.path

    def abort(self) -> Path | None:
        self._end("abort")
        return self.path

    def _end(self, kind: str) -> None:
        assert self.end is None, "ended twice"
        self.end = kind
        self.ended.set()


class Fed:
    """A live source that gives what a test puts into it, and ends when it is told to."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.closed = threading.Event()

    def put(self, item: object) -> None:
        self.queue.put(item)

    def end(self, error: BaseException | None = None) -> None:
        self.queue.put(error or _END)

    def __iter__(self) -> Iterator[object]:
        while (item := self.queue.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item

    def abort(self) -> None:
        self.queue.put(_END)

    def close(self) -> None:
        self.closed.set()


class Gated:
    """A stage that answers when the gate is open, and tells which frames it was given."""

    name = "gated"
    batch = 1

    def __init__(self, answer: Callable[[object], object], open_: bool = True) -> None:
        self.answer = answer
        self.gate = threading.Event()
        if open_:
            self.gate.set()
        self.entered: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.seen: list[object] = []
        self.closed = threading.Event()

    def process(self, items: Sequence[object]) -> Iterable[object]:
        for item in items:
            self.seen.append(item)
            self.entered.put(item)
            self.gate.wait()
            yield self.answer(item)

    def close(self) -> None:
        self.closed.set()


def indices(pipeline):
    return [item.index for item in pipeline]


def team(count, **options):
    """Stages that share their work."""
    return [Through("team", **options) for _ in range(count)]
