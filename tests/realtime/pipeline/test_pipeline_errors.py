"""Errors of a source, a stage or an observer: where they arrive, and what they name."""

import threading

import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.monitoring.metrics import Observer
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import (
    AfterResults,
    Camera,
    Holding,
    Numbers,
    Through,
    failing_at,
    indices,
    team,
)


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


def test_the_first_failure_counts_and_reports_the_second():
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


def test_an_error_that_the_consumer_gets_is_not_logged(caplog):
    with pytest.raises(OSError, match="at 3"):
        indices(Pipeline(Numbers(5), [Through(action=failing_at(3, OSError("at 3")))]))
    assert caplog.records == []


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


def test_a_time_out_of_a_stage_is_an_error_like_any_other():
    stage = Through(action=failing_at(0, TimeoutError("no answer")))
    with Pipeline(Numbers(1), [stage]) as pipeline, pytest.raises(TimeoutError, match="no answer"):
        pipeline.take(60)
    assert len(stage.closed_in) == 1


def test_an_error_reaches_past_a_stage_that_waits_for_a_full_batch():
    stage = Through("full", batch=8)
    stage.full = True
    with Pipeline(Numbers(3, error=OSError("gone")), [stage]) as pipeline:
        got = []
        with pytest.raises(OSError, match="gone"):
            got.extend(item.index for item in pipeline)
    assert stage.sizes == [3]


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
