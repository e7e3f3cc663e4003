"""Results taken in a thread of their own, and errors on their way to another thread."""

import gc
import threading
import weakref

import pytest

from emotion.realtime.pipeline.collector import Collector
from emotion.realtime.pipeline.failures import Failures
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import Camera, Item, Numbers, Through

PATIENCE = 30


def test_each_result_is_given_in_order_in_another_thread():
    seen, threads = [], set()

    def listen(item):
        seen.append(item.index)
        threads.add(threading.current_thread())

    collector = Collector(Pipeline(Numbers(20), [Through()]), listen)
    collector.join(PATIENCE)
    collector.raise_failure()
    assert seen == list(range(20))
    assert threading.current_thread() not in threads


@pytest.mark.parametrize("of", ["the results", "the listener"])
def test_an_error_is_kept_for_who_asks_and_told_once(of):
    error, source = RuntimeError("broken on purpose"), Numbers(3)

    def listen(item):
        if of == "the listener" and item.index == 1:
            raise error

    source.error = error if of == "the results" else None
    collector = Collector(Pipeline(source, []), listen)
    collector.join(PATIENCE)
    with pytest.raises(RuntimeError) as raised:
        collector.raise_failure()
    assert raised.value is error
    assert len(source.closed_in) == 1
    collector.raise_failure()


def test_an_error_of_the_listener_stops_the_results():
    camera = Camera(count=1)
    collector = Collector(Pipeline(camera, []), lambda item: 1 // 0)
    collector.join(PATIENCE)
    assert camera.closed.is_set()
    with pytest.raises(ZeroDivisionError):
        collector.raise_failure()


def test_it_ends_with_the_results():
    camera, came = Camera(count=1), threading.Event()
    pipeline = Pipeline(camera, [])
    collector = Collector(pipeline, lambda item: came.set())
    assert came.wait(PATIENCE)
    pipeline.close()
    collector.join(PATIENCE)
    collector.raise_failure()
    assert camera.closed.is_set()


def test_it_may_be_waited_for_in_its_own_thread():
    collectors, waited = [], threading.Event()
    ready = threading.Event()

    def listen(item):
        assert ready.wait(PATIENCE)
        collectors[0].join(PATIENCE)
        waited.set()

    collectors.append(Collector(Pipeline(Numbers(1), []), listen))
    ready.set()
    assert waited.wait(PATIENCE)
    collectors[0].join(PATIENCE)


def test_no_result_is_kept_while_the_next_is_waited_for():
    kept, freed = [], threading.Event()

    class Results:
        def __iter__(self):
            yield self.make()
            # Whoever asks for the second must have let go of the first.
            kept.append(kept.pop()())
            freed.set()

        def make(self):
            item = Item(0)
            kept.append(weakref.ref(item))
            return item

    collector = Collector(Results(), lambda item: None)
    assert freed.wait(PATIENCE)
    collector.join(PATIENCE)
    assert kept == [None]


def test_the_first_failure_is_raised_with_notes_on_the_others():
    failures = Failures()
    failures.raise_first()
    first = OSError("full")
    failures.add(first, "mp4")
    failures.add(ValueError("wrong"), "csv")
    with pytest.raises(OSError, match="full") as raised:
        failures.raise_first()
    assert raised.value is first
    assert first.__notes__ == ["csv failed, too: wrong"]
    failures.raise_first()


def test_failures_leave_no_reference_cycle():
    failures = Failures()

    class Known(Exception):
        pass

    def fail():
        failures.add(Known())
        try:
            failures.raise_first()
        except Known as error:
            return weakref.ref(error)

    gc.disable()
    try:
        assert fail()() is None
    finally:
        gc.enable()


def test_failures_can_be_taken_unraised():
    failures = Failures()
    error = OSError("full")
    failures.add(error, "mp4")
    assert failures.take() == [("mp4", error)]
    assert failures.take() == []
