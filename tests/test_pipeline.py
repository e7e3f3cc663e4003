"""Tests that try to hang the pipeline: what ends early, blocks, or crashes must still end whole."""

import gc
import random
import threading
import weakref

import pytest

from realtime.metrics import Metrics
from realtime.pipeline import Pipeline
from tests.fakes import Camera, Item, Numbers, Stuck, Through, failing_at


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


def indices(pipeline):
    return [item.index for item in pipeline]


def team(count, **options):
    return [Through("team", **options) for _ in range(count)]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("batch", [1, 3])
def test_everything_comes_out_in_order(workers, batch):
    with Pipeline(Numbers(300), [team(workers, batch=batch), Through("last", batch=8)]) as pipeline:
        assert indices(pipeline) == list(range(300))


def test_a_slow_first_item_is_not_overtaken():
    others_done = threading.Event()

    def slow_first(item):
        if item.index == 0:
            others_done.wait()
        elif item.index == 2:
            others_done.set()

    with Pipeline(Numbers(20), [team(3, action=slow_first)]) as pipeline:
        assert indices(pipeline) == list(range(20))


def test_batches_take_what_is_there_and_never_more_than_the_limit():
    gate = threading.Event()
    fast = Through("fast")
    slow = Through("slow", batch=4, action=lambda item: gate.wait() and None)
    with Pipeline(Numbers(50), [fast, slow], capacity=10) as pipeline:
        gate.set()
        assert indices(pipeline) == list(range(50))
    assert sum(slow.sizes) == 50
    assert max(slow.sizes) <= 4


@pytest.mark.parametrize("place", [0, 1, 2, "source"])
@pytest.mark.parametrize("index", [0, 7, 19])
def test_a_crash_comes_after_all_that_precedes_it_as_the_same_object(place, index):
    error = RuntimeError("broken on purpose")
    stages = [Through(f"stage {n}") for n in range(3)]
    source = Numbers(index, error) if place == "source" else Numbers(20)
    if place != "source":
        stages[place].action = failing_at(index, error)
    seen = []
    with Pipeline(source, stages) as pipeline, pytest.raises(RuntimeError) as caught:
        for item in pipeline:
            seen.append(item.index)
    assert caught.value is error
    assert seen == list(range(index))
    note = " ".join(error.__notes__)
    assert ("in the source" if place == "source" else f"stage {place}, at frame {index}") in note
    assert len(source.closed_in) == 1
    assert all(len(stage.closed_in) == 1 for stage in stages)


def test_a_crash_while_closing_is_told_too():
    error = OSError("cannot be closed")
    with (
        Pipeline(Numbers(5), [Through("a", close_error=error)]) as pipeline,
        pytest.raises(OSError, match="cannot be closed") as caught,
    ):
        indices(pipeline)
    assert caught.value is error
    assert "while closing the stage a" in " ".join(error.__notes__)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_consumer_may_leave_at_any_time(count):
    source, stages = Numbers(100_000), [Through("a"), Through("b", batch=4)]
    with Pipeline(source, stages) as pipeline:
        for _ in range(count):
            next(pipeline)
    assert len(source.closed_in) == 1
    assert all(len(stage.closed_in) == 1 for stage in stages)
    assert list(pipeline) == []


def test_ctrl_c_in_the_consumer_stops_all():
    def consume():
        with Pipeline(Numbers(100_000), [Through()]) as pipeline:
            for item in pipeline:
                if item.index == 3:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()


def test_a_source_that_waits_for_ever_is_aborted():
    camera = Camera(count=2)
    with Pipeline(camera, [Through()]) as pipeline:
        assert [next(pipeline).index for _ in range(2)] == [0, 1]
        camera.waiting.wait()
    assert camera.aborts == 1
    assert camera.closed.is_set()


def test_a_source_that_cannot_be_aborted_is_left_behind_with_a_warning(caplog):
    stuck = Stuck()
    with Pipeline(stuck, [Through()], patience=0.05):
        stuck.waiting.wait()
    assert "left behind" in caplog.text
    stuck.freed.set()
    stuck.closed.wait()


def test_a_stage_that_waits_for_room_is_freed():
    blocked = threading.Event()
    stage = Through("a", action=lambda item: blocked.set() if item.index == 3 else None)
    with Pipeline(Numbers(100), [stage, Through("b")], capacity=1):
        blocked.wait()
    assert len(stage.closed_in) == 1


def test_closing_twice_and_from_two_threads():
    pipeline = Pipeline(Numbers(100_000), [Through()])
    threads = [threading.Thread(target=pipeline.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipeline.close()


def test_hundreds_of_stops_at_random_moments():
    choose = random.Random(0)
    for _ in range(300):
        source = Numbers(choose.randrange(40))
        stages = [team(choose.randrange(1, 4), batch=choose.randrange(1, 5)), Through("last")]
        with Pipeline(source, stages, live=choose.random() < 0.3) as pipeline:
            for _ in range(choose.randrange(30)):
                if next(pipeline, None) is None:
                    break


def test_live_drops_the_oldest_before_the_first_stage_and_counts():
    gate, metrics = threading.Event(), Metrics()
    stage = Through("slow", action=lambda item: gate.wait() and None)
    camera = Camera(count=50)
    with Pipeline(camera, [stage], live=True, observer=metrics) as pipeline:
        camera.waiting.wait()
        gate.set()
        camera.freed.set()
        seen = indices(pipeline)
    assert seen[-1] == 49
    assert seen == sorted(set(seen))
    report = metrics.snapshot()
    assert report["source"].dropped + len(seen) == 50
    assert report["slow"].taken == len(seen)


def test_a_forgotten_pipeline_is_stopped_and_what_it_held_is_freed():
    pipeline = Pipeline(Numbers(100_000), [Through()])
    item = next(pipeline)
    freed = weakref.ref(item)
    threads = [thread for thread in threading.enumerate() if thread.name in ("source", "through-1")]
    del item, pipeline
    gc.collect()
    for thread in threads:
        thread.join()
    gc.collect()
    assert freed() is None


def test_impossible_settings_are_refused():
    for stages, options in (([[]], {}), ([Through(batch=0)], {}), ([Through()], {"capacity": 0})):
        with pytest.raises(ValueError, match="at least one"):
            Pipeline(Numbers(1), stages, **options)
    with pytest.raises(ValueError, match="name of its own"):
        Pipeline(Numbers(1), [Through(), Through()])
    assert Item(3).index == 3
