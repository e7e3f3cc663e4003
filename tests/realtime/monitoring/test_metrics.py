"""The sums of an observer, alone and behind a pipeline."""

import threading

import pytest

from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import Numbers, Through


def test_steps_add_up():
    metrics = Metrics()
    metrics.begin(["source", "faces"])
    metrics.record("source", given=1, dropped=2, busy=0.5, blocked=0.25)
    metrics.record("faces", taken=4, given=3, waiting=1.0, busy=2.0)
    metrics.record("faces", taken=2, given=2, waiting=0.5)
    metrics.record("faces", taken=2, given=2)
    source, faces = metrics.snapshot().stages
    assert (source.name, source.given, source.dropped, source.busy, source.blocked) == (
        "source", 1, 2, 0.5, 0.25,
    )  # fmt: skip
    assert (faces.taken, faces.given, faces.waiting, faces.busy) == (8, 7, 1.5, 2.0)
    assert faces.batches == ((2, 2), (4, 1))
    assert faces.mean_batch == pytest.approx(8 / 3)


def test_a_stage_that_never_ran_is_in_the_report():
    metrics = Metrics()
    metrics.begin(["b", "a"])
    snapshot = metrics.snapshot()
    assert [stage.name for stage in snapshot.stages] == ["b", "a"]
    assert snapshot["a"].mean_batch == 0
    with pytest.raises(KeyError):
        snapshot["c"]


def test_a_snapshot_does_not_change():
    metrics = Metrics()
    metrics.record("a", taken=1)
    before = metrics.snapshot()
    metrics.record("a", taken=1)
    assert before["a"].taken == 1
    assert metrics.snapshot().seconds >= before.seconds >= 0


def test_many_threads_may_record():
    metrics = Metrics()

    def record():
        for _ in range(2000):
            metrics.record("a", taken=1, given=2)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = metrics.snapshot()["a"]
    assert (report.taken, report.given, report.batches) == (8000, 16000, ((1, 8000),))


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_pipeline_counts_each_item_once(runs, workers):
    metrics = Metrics()
    for _ in range(runs):
        stages = [[Through("a", batch=4) for _ in range(workers)], Through("b")]
        with Pipeline(Numbers(30), stages, observer=metrics) as pipeline:
            assert len(list(pipeline)) == 30
    snapshot = metrics.snapshot()
    assert [stage.name for stage in snapshot.stages] == ["source", "a", "b"]
    assert [stage.given for stage in snapshot.stages] == [30 * runs] * 3
    assert [stage.taken for stage in snapshot.stages] == [0, 30 * runs, 30 * runs]
    assert sum(size * count for size, count in snapshot["a"].batches) == 30 * runs
    assert all(stage.dropped == 0 for stage in snapshot.stages)
    most = workers * snapshot.seconds
    for stage in snapshot.stages:
        assert all(0 <= seconds <= most for seconds in (stage.waiting, stage.busy, stage.blocked))
