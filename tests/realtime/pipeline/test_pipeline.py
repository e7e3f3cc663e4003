"""Results of a pipeline: order, batches, and which items wait."""

import threading
import time
import weakref

import pytest

from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.channel import Channel, NothingYetError, Policy
from emotion.realtime.pipeline.latest import LatestSlot
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import (
    AfterResults,
    Camera,
    Holding,
    Item,
    Numbers,
    Through,
    indices,
    team,
)


class Counting(Numbers):
    given = 0

    def __iter__(self):
        for item in super().__iter__():
            self.given += 1
            yield item


class Times(Through):
    def __init__(self, count, name):
        super().__init__(name)
        self.count = count

    def process(self, items):
        return [item for item in items for _ in range(self.count)]


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
    camera = Camera(count=11)

    def wait_until_all_are_there(item):
        camera.waiting.wait()

    stage = Through("slow", batch=4, action=wait_until_all_are_there)
    with Pipeline(camera, [stage], capacity=11) as pipeline:
        assert [next(pipeline).index for _ in range(11)] == list(range(11))
    first, rest = stage.sizes[0], 11 - stage.sizes[0]
    assert 1 <= first <= 4
    assert stage.sizes[1:] == [4] * (rest // 4) + [rest % 4] * (rest % 4 > 0)


def test_nobody_works_ahead_without_end():
    seen_while_slow = []
    source = Counting(10_000)

    def slow_first(item):
        if item.index == 0:
            threading.Event().wait(0.1)
            seen_while_slow.append(source.given)

    with Pipeline(source, [team(2, action=slow_first)], capacity=1) as pipeline:
        next(pipeline)
    # Three jobs in work, one item that waits, and one in the source's hand.
    assert seen_while_slow[0] <= 5


def eventually(true):
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    assert true()


def test_without_room_no_more_is_read_than_the_threads_have_in_hand():
    source, ahead = Counting(50), []

    def look(item):
        time.sleep(0.002)
        ahead.append(source.given - item.index)

    stages = [Through("first"), team(2), Through("last", action=look)]
    with Pipeline(source, stages, capacity=0) as pipeline:
        assert indices(pipeline) == list(range(50))
    # One in the hand of each of five threads, and one that was given.
    assert max(ahead) <= 6


def test_what_was_handed_on_is_held_no_longer():
    given = []
    camera = Camera(count=3)
    stages = [Through("first", action=lambda item: given.append(weakref.ref(item))), Through("second")]
    with Pipeline(camera, stages, capacity=0) as pipeline:
        for _ in range(2):
            next(pipeline)
        camera.waiting.wait()
        eventually(lambda: [one() for one in given[:2]] == [None, None])
        camera.freed.set()


@pytest.mark.parametrize("results", [0, 3])
def test_a_stage_may_give_any_number_of_results(results):
    with Pipeline(Numbers(10), [Times(results, "times"), Through()], capacity=1) as pipeline:
        assert indices(pipeline) == [n for n in range(10) for _ in range(results)]


def test_a_run_needs_no_stages():
    with Pipeline(Numbers(10), []) as pipeline:
        assert indices(pipeline) == list(range(10))


def test_live_drops_the_oldest_before_the_first_stage_and_counts():
    gate, metrics = threading.Event(), Metrics()
    stage = Through("slow", action=lambda item: gate.wait() and None)
    camera = Camera(count=50)
    with Pipeline(camera, [stage], inbox=LatestSlot(), capacity=1, observer=metrics) as pipeline:
        camera.waiting.wait()
        gate.set()
        camera.freed.set()
        seen = indices(pipeline)
    assert seen[-1] == 49
    assert seen == sorted(set(seen))
    report = metrics.snapshot()
    assert (report["source"].given, report["source"].dropped) == (len(seen), 50 - len(seen))
    assert report["slow"].taken == len(seen)


def test_live_keeps_as_many_as_there_is_room_for_and_needs_no_stage():
    metrics, camera = Metrics(), Camera(count=50)
    with Pipeline(camera, [], inbox=Channel(3, Policy.DROP_OLDEST), observer=metrics) as pipeline:
        camera.waiting.wait()
        camera.freed.set()
        assert indices(pipeline) == [47, 48, 49]
    assert metrics.snapshot()["source"].dropped == 47


def test_a_consumer_may_wait_for_a_limited_time():
    camera = Camera(count=1)
    with Pipeline(camera, [Through()]) as pipeline:
        assert pipeline.take(60).index == 0
        with pytest.raises(NothingYetError):
            pipeline.take(0.01)
        camera.freed.set()
        with pytest.raises(StopIteration):
            pipeline.take(60)


def test_impossible_settings_are_refused():
    for stages in ([[]], [Through(batch=0)]):
        with pytest.raises(ValueError, match="at least one"):
            Pipeline(Numbers(1), stages)
    with pytest.raises(ValueError, match="-1 items"):
        Pipeline(Numbers(1), [Through()], capacity=-1)
    with pytest.raises(ValueError, match="name of its own"):
        Pipeline(Numbers(1), [Through(), Through()])
    assert Item(3).index == 3


def test_a_stage_that_wants_full_batches_gets_them_and_the_rest_at_the_end():
    stages = [Through("full", batch=4) for _ in range(2)]
    for stage in stages:
        stage.full = True
    with Pipeline(Numbers(18), [Through("before"), stages]) as pipeline:
        assert [item.index for item in pipeline] == list(range(18))
    sizes = sorted(size for stage in stages for size in stage.sizes)
    assert sizes == [2, 4, 4, 4, 4]


def test_a_small_channel_does_not_starve_a_stage_that_wants_full_batches():
    stage = Through("full", batch=8)
    stage.full = True
    with Pipeline(Numbers(9), [stage], capacity=2) as pipeline:
        assert [item.index for item in pipeline] == list(range(9))


@pytest.mark.parametrize("capacity", [0, 1])
def test_a_stage_that_wants_whole_batches_gets_them_through_small_channels(capacity):
    stage = Through("whole", batch=4)
    stage.whole = True
    with Pipeline(Numbers(10), [Through("before"), stage, Through("behind")], capacity=capacity) as pipeline:
        assert [item.index for item in pipeline] == list(range(10))
    assert stage.sizes == [4, 4, 2]


@pytest.mark.parametrize("ahead", [1, 5, 100])
def test_what_a_stage_holds_back_comes_at_the_end(ahead):
    with Pipeline(Numbers(20), [Through("first"), Holding(ahead), Through("last")]) as pipeline:
        assert indices(pipeline) == list(range(20))


def test_a_stage_that_holds_results_back_works_alone():
    with pytest.raises(ValueError, match="works alone"):
        Pipeline(Numbers(1), [[Holding(1), Holding(1)]])


def test_no_result_waits_for_what_a_stage_does_afterwards():
    go_on, done = threading.Event(), []

    def wait():
        go_on.wait()
        done.append(threading.current_thread())

    stage = AfterResults(wait)
    metrics = Metrics()
    with Pipeline(Numbers(3), [stage, Through("last")], observer=metrics) as pipeline:
        assert next(pipeline).index == 0
        assert stage.sizes == [1]  # nor does it get more before that is done
        go_on.set()
        assert indices(pipeline) == [1, 2]
    assert done == list(stage.threads) * 3
    assert metrics.snapshot()["later"].batches == ((1, 3),)
