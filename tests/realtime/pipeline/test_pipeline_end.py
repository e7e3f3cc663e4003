"""The end of a pipeline: left, closed, aborted, hung or forgotten."""

import gc
import random
import subprocess
import sys
import threading
import weakref

import pytest

from emotion.realtime.pipeline.channel import Channel
from emotion.realtime.pipeline.latest import LatestSlot
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import (
    Camera,
    Numbers,
    Stuck,
    Through,
    failing_at,
    indices,
    team,
)


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
