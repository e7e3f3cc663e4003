"""Tests that try to hang the pipeline: what ends early, blocks, or crashes must still end whole."""

import gc
import random
import subprocess
import sys
import threading
import weakref

import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.monitoring.metrics import Metrics, Observer
from emotion.realtime.pipeline.channel import Channel, NothingYetError, Policy
from emotion.realtime.pipeline.latest import LatestSlot
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import (
    AfterResults,
    Camera,
    Holding,
    Item,
    Numbers,
    Stuck,
    Through,
    failing_at,
)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


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


@pytest.mark.parametrize("results", [0, 3])
def test_a_stage_may_give_any_number_of_results(results):
    with Pipeline(Numbers(10), [Times(results, "times"), Through()], capacity=1) as pipeline:
        assert indices(pipeline) == [n for n in range(10) for _ in range(results)]


def test_a_run_needs_no_stages():
    with Pipeline(Numbers(10), []) as pipeline:
        assert indices(pipeline) == list(range(10))


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


@pytest.mark.parametrize("index", [0, 7, 19])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_crash_among_several_workers(index, batch):
    error = RuntimeError("broken on purpose")
    workers = team(3, batch=batch, action=failing_at(index, error))
    seen = []
    with Pipeline(Numbers(20), [workers, Through()]) as pipeline, pytest.raises(RuntimeError) as caught:
        for item in pipeline:
            seen.append(item.index)
    assert caught.value is error
    assert seen == list(range(index))
    assert all(len(stage.closed_in) == 1 for stage in workers)


def test_of_two_crashes_the_first_in_order_counts():
    earlier, later = RuntimeError("at 1"), RuntimeError("at 2")
    later_is_over = threading.Event()

    class Worker(Through):
        def close(self):
            later_is_over.set()

    def action(item):
        if item.index == 1:
            later_is_over.wait()
            raise earlier
        if item.index == 2:
            raise later

    with Pipeline(Numbers(9), [[Worker(action=action) for _ in range(2)]]) as pipeline:
        assert next(pipeline).index == 0
        with pytest.raises(RuntimeError) as caught:
            next(pipeline)
        assert caught.value is earlier
        assert list(pipeline) == []


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
def test_any_crash_stops_all_without_a_with_block(kind):
    error, camera, stage = kind("odd"), Camera(count=3), Through()
    stage.action = failing_at(2, error)
    pipeline = Pipeline(camera, [stage, Through("last")])
    with pytest.raises(kind) as caught:
        indices(pipeline)
    assert caught.value is error
    assert camera.aborts == 1
    assert camera.closed.is_set()
    assert len(stage.closed_in) == 1


def test_stop_iteration_is_no_end():
    class Stage(Through):
        def process(self, items):
            raise StopIteration

    with (
        Pipeline(Numbers(5), [Stage()]) as pipeline,
        pytest.raises(RuntimeError, match="StopIteration") as caught,
    ):
        indices(pipeline)
    assert "in the stage through, at frame 0" in caught.value.__cause__.__notes__


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_crash_while_closing_comes_after_all_results(place, workers):
    error = OSError("cannot be closed")
    teams = [[Through(f"stage {n}") for _ in range(workers)] for n in range(3)]
    teams[place][-1].close_error = error
    seen = []
    with Pipeline(Numbers(12), teams) as pipeline, pytest.raises(OSError, match="cannot") as caught:
        for item in pipeline:
            seen.append(item.index)
    assert caught.value is error
    assert seen == list(range(12))
    assert f"while closing the stage stage {place}" in error.__notes__


def test_a_source_that_cannot_be_closed():
    error = OSError("cannot be closed")

    class Source(Numbers):
        def close(self):
            raise error

    seen = []
    with Pipeline(Source(5), [Through()]) as pipeline, pytest.raises(OSError, match="cannot") as caught:
        for item in pipeline:
            seen.append(item.index)
    assert caught.value is error
    assert seen == list(range(5))
    assert "while closing the source" in error.__notes__


def test_the_first_failure_counts_and_tells_of_the_second():
    error = RuntimeError("broken")
    stage = Through(action=failing_at(1, error), close_error=OSError("cannot be closed"))
    with Pipeline(Numbers(5), [stage]) as pipeline, pytest.raises(RuntimeError) as caught:
        indices(pipeline)
    assert caught.value is error
    assert "closing failed, too: OSError('cannot be closed')" in error.__notes__


@pytest.mark.parametrize("error", [OSError("too late"), SourceError("too late")])
def test_a_failure_after_the_consumer_left_is_logged(caplog, error):
    with Pipeline(Numbers(100_000), [Through(close_error=error)]) as pipeline:
        next(pipeline)
    assert "while the run was ending" in caplog.text
    assert "too late" in caplog.text
    assert ("Traceback" in caplog.text) is not isinstance(error, SourceError)


@pytest.mark.parametrize("where", ["source", "through"])
def test_an_error_of_the_observer_ends_the_run(where):
    error = RuntimeError("cannot observe")

    class Failing(Observer):
        def record(self, stage, **counts):
            if stage == where:
                raise error

    with Pipeline(Numbers(5), [Through()], observer=Failing()) as pipeline:
        with pytest.raises(RuntimeError) as caught:
            indices(pipeline)
        assert caught.value is error


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
    with Pipeline(stuck, [Through()], patience=0.5):
        stuck.waiting.wait()
    assert "left behind after 0.5 s: source" in caplog.text
    assert "through-1" not in caplog.text
    stuck.freed.set()
    stuck.closed.wait()


def test_a_stage_that_hangs_is_left_behind_with_a_warning(caplog):
    entered, freed = threading.Event(), threading.Event()

    def hang(item):
        entered.set()
        freed.wait()

    stage = Through("deaf", action=hang)
    with Pipeline(Numbers(5), [stage], patience=0.5):
        entered.wait()
    assert "left behind after 0.5 s: deaf-1" in caplog.text
    assert not stage.closed_in
    freed.set()


def test_a_source_that_cannot_even_be_aborted(caplog):
    class Broken(Camera):
        def abort(self):
            super().abort()
            raise OSError("no such device")

    camera = Broken()
    with Pipeline(camera, [Through()]):
        camera.waiting.wait()
    assert "no such device" in caplog.text
    assert camera.closed.is_set()


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


def test_another_thread_ends_a_waiting_consumer():
    camera = Camera()
    pipeline = Pipeline(camera, [Through()])
    thread = threading.Thread(target=lambda: camera.waiting.wait() and pipeline.close())
    thread.start()
    assert list(pipeline) == []
    thread.join()


def test_a_stage_may_close_its_own_pipeline():
    ready = threading.Event()

    def close(item):
        ready.wait()
        pipeline.close()

    pipeline = Pipeline(Numbers(100_000), [Through(action=close)])
    ready.set()
    assert set(indices(pipeline)) <= {0}
    pipeline.close()


def test_a_close_that_ctrl_c_cut_short_can_be_repeated(monkeypatch):
    def interrupted(channel):
        raise KeyboardInterrupt

    camera = Camera(count=100_000)
    pipeline = Pipeline(camera, [Through()])
    with monkeypatch.context() as patch:
        patch.setattr(Channel, "abort", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pipeline.close()
    pipeline.close()
    assert camera.closed.is_set()


@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_stops_and_crashes_at_random_moments(seed):
    choose = random.Random(seed)
    for _ in range(150):
        count, wanted = choose.randrange(40), choose.randrange(40)
        error = RuntimeError("broken on purpose")
        action = choose.choice([None, None, failing_at(choose.randrange(40), error)])
        source = choose.choice([Numbers(count), Numbers(count, error), Camera(100)])
        workers = team(choose.randrange(1, 4), batch=choose.randrange(1, 5), action=action)
        seen, crashes = [], []
        live = choose.random() < 0.3
        options = {"inbox": LatestSlot() if live else None, "capacity": choose.choice([None, 1, 3])}
        with Pipeline(source, [workers, Through("last", batch=3)], **options) as pipeline:
            try:
                # Not live, a camera gives 100 items, so that nobody waits for one that never comes.
                while len(seen) < wanted and not (live and isinstance(source, Camera)):
                    seen.append(next(pipeline).index)
            except StopIteration:
                pass
            except RuntimeError as crash:
                crashes.append(crash)
        assert crashes in ([], [error])
        assert seen == (sorted(set(seen)) if live else list(range(len(seen))))
        assert all(len(stage.closed_in) == 1 for stage in workers)


def test_nothing_is_kept_of_what_was_in_work():
    alive = weakref.WeakSet()

    def watch(item):
        alive.add(item)

    stages = [Through("a", action=watch), team(2, batch=3)]
    gc.disable()
    try:
        with Pipeline(Numbers(100_000), stages, capacity=5) as pipeline:
            next(pipeline)
        assert len(alive) == 0
    finally:
        gc.enable()


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
    assert report["source"].dropped + len(seen) == 50
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


def test_a_time_out_of_a_stage_is_an_error_like_any_other():
    stage = Through(action=failing_at(0, TimeoutError("no answer")))
    with Pipeline(Numbers(1), [stage]) as pipeline, pytest.raises(TimeoutError, match="no answer"):
        pipeline.take(60)
    assert len(stage.closed_in) == 1


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


def test_a_forgotten_pipeline_may_be_collected_by_its_own_worker():
    camera, forgotten = Camera(count=1), threading.Event()

    def collect(item):
        forgotten.wait()
        gc.collect()

    stage = Through("collector", action=collect)
    pipeline = Pipeline(camera, [stage])
    gc.disable()
    try:
        cycle = [pipeline]
        cycle.append(cycle)
        del cycle, pipeline
        forgotten.set()
        camera.closed.wait()
    finally:
        gc.enable()
    assert camera.aborts == 1


PROGRAM = """
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import Camera, Numbers, Stuck, Through
pipelines = [Pipeline(source, [Through()], patience=0.1) for source in (Numbers(10**6), Camera(), Stuck())]
print(next(pipelines[0]).index)
"""


def test_a_program_can_exit_while_pipelines_run():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr


def test_impossible_settings_are_refused():
    for stages, options in (([[]], {}), ([Through(batch=0)], {}), ([Through()], {"capacity": 0})):
        with pytest.raises(ValueError, match="at least one"):
            Pipeline(Numbers(1), stages, **options)
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


def test_a_stage_that_wants_whole_batches_gets_them_through_small_channels():
    stage = Through("whole", batch=4)
    stage.full = stage.whole = True
    with Pipeline(Numbers(10), [Through("before"), stage, Through("behind")], capacity=1) as pipeline:
        assert [item.index for item in pipeline] == list(range(10))
    assert stage.sizes == [4, 4, 2]


def test_an_error_reaches_past_a_stage_that_waits_for_a_full_batch():
    stage = Through("full", batch=8)
    stage.full = True
    with Pipeline(Numbers(3, error=OSError("gone")), [stage]) as pipeline:
        got = []
        with pytest.raises(OSError, match="gone"):
            got.extend(item.index for item in pipeline)
    assert stage.sizes == [3]


@pytest.mark.parametrize("ahead", [1, 5, 100])
def test_what_a_stage_holds_back_comes_at_the_end(ahead):
    with Pipeline(Numbers(20), [Through("first"), Holding(ahead), Through("last")]) as pipeline:
        assert indices(pipeline) == list(range(20))


def test_what_a_stage_holds_back_precedes_an_error():
    error = RuntimeError("broken on purpose")
    pipeline = Pipeline(
        Numbers(20), [Through("bad", action=failing_at(7, error)), Holding(5), Through("last")]
    )
    seen = []
    with pytest.raises(RuntimeError) as raised:
        for item in pipeline:
            seen.append(item.index)
    assert raised.value is error
    assert seen == list(range(7))


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


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch", [1, 3])
def test_an_error_of_what_is_done_afterwards_comes_after_the_results(workers, batch):
    errors, threads = [], []

    def fail():
        threads.append(threading.current_thread())
        if len(threads) == 4:
            errors.append(RuntimeError("broken on purpose"))
            raise errors[0]

    stages = [AfterResults(fail, batch=batch) for _ in range(workers)]
    seen = []
    with Pipeline(Numbers(40), [stages, Through()]) as pipeline, pytest.raises(RuntimeError) as caught:
        for item in pipeline:
            seen.append(item.index)
    assert caught.value is errors[0]
    assert seen == list(range(len(seen)))
    assert len(seen) >= 4
    (note,) = caught.value.__notes__
    assert note.startswith("in the stage later after its results, at frame")
    assert all(len(stage.closed_in) == 1 for stage in stages)
