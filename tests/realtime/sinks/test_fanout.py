"""Many sinks at once: slow ones, failing ones, ones that hang. Nothing here waits for a clock."""

import gc
import threading
import weakref

import numpy as np
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.channel import Policy
from emotion.realtime.sinks import fanout as fanout_module
from emotion.realtime.sinks.fanout import Fanout
from tests.fakes.pipeline_parts import FakeSink
from tests.helpers.results import result


def feed(fanout, numbers):
    for number in numbers:
        one = result(number)
        fanout.write(one, one.frame.image)


def test_every_file_gets_every_frame_in_order_in_a_thread_of_its_own(tmp_path):
    a, b = FakeSink(path=tmp_path / "a"), FakeSink()
    with Fanout() as fanout:
        fanout.add("a", a)
        fanout.add("b", b)
        feed(fanout, range(20))
    assert a.seen == b.seen == list(range(20))
    assert (a.end, b.end) == ("close", "close")
    assert len(a.threads) == len(b.threads) == 1
    assert a.threads != b.threads
    assert threading.current_thread() not in a.threads | b.threads
    assert fanout.paths == {"a": tmp_path / "a"}
    assert fanout.dropped == {"a": 0, "b": 0}


def test_a_slow_view_drops_the_oldest_and_slows_nobody():
    view, file = FakeSink(gate=threading.Event()), FakeSink()
    with Fanout() as fanout:
        fanout.add("file", file)
        fanout.add("view", view, policy=Policy.DROP_OLDEST, capacity=1, vital=False)
        feed(fanout, range(1))
        assert view.writing.wait(10)
        feed(fanout, range(1, 50))  # would never return if the view could hold it up
        view.gate.set()
    assert file.seen == list(range(50))
    assert view.seen == [0, 49]
    assert fanout.dropped == {"view": 48, "file": 0}


def test_a_slow_file_makes_the_caller_wait_when_its_queue_is_full():
    slow, fast = FakeSink(gate=threading.Event()), FakeSink(expected=4)
    with Fanout() as fanout:
        fanout.add("slow", slow, capacity=2)
        fanout.add("fast", fast)
        feed(fanout, range(1))
        assert slow.writing.wait(10)
        feed(fanout, range(1, 3))
        last = threading.Thread(target=feed, args=(fanout, [3]))
        last.start()
        last.join(0.1)
        assert last.is_alive()
        slow.gate.set()
        last.join()
    assert slow.seen == fast.seen == [0, 1, 2, 3]


def test_a_view_has_the_frame_while_a_file_makes_the_caller_wait():
    file, view = FakeSink(gate=threading.Event()), FakeSink(expected=3)
    with Fanout() as fanout:
        fanout.add("file", file, capacity=1)
        fanout.add("view", view, policy=Policy.DROP_OLDEST, capacity=8, vital=False)
        feed(fanout, [0])
        assert file.writing.wait(10)
        feed(fanout, [1])
        last = threading.Thread(target=feed, args=(fanout, [2]))
        last.start()
        assert view.all_seen.wait(10)
        assert last.is_alive()
        file.gate.set()
        last.join()
    assert file.seen == [0, 1, 2]


def test_a_vital_sink_that_fails_ends_the_run_with_its_very_error():
    error = SinkError("no room: make room on the disk")
    bad, good = FakeSink(error=error, error_at=3, gate=threading.Event()), FakeSink()
    with pytest.raises(SinkError) as caught, Fanout() as fanout:
        fanout.add("bad", bad)
        fanout.add("good", good)
        feed(fanout, range(4))
        bad.gate.set()
        assert bad.ended.wait(10)
        feed(fanout, range(4, 1000))
    assert caught.value is error
    assert error.__notes__ == ["in the sink bad"]
    assert bad.seen == [0, 1, 2]
    assert (bad.end, good.end) == ("abort", "abort")
    # The frame that brought the error to light has reached the others.
    assert good.seen == [0, 1, 2, 3, 4]


def test_a_sink_that_is_not_vital_ends_alone_and_is_reported_once():
    error = SinkError("the camera is gone")
    reported = []
    bad, good = FakeSink(error=error, error_at=1), FakeSink()
    with Fanout(report=lambda *what: reported.append(what)) as fanout:
        fanout.add("bad", bad, vital=False)
        fanout.add("good", good)
        feed(fanout, range(2))
        assert bad.ended.wait(10)
        feed(fanout, range(2, 20))
        assert fanout.listening
    assert reported == [("bad", error)]
    assert (bad.end, good.end) == ("abort", "close")
    assert good.seen == list(range(20))


def test_by_default_a_failure_that_does_not_matter_is_a_warning(caplog):
    with Fanout() as fanout:
        fanout.add("camera", FakeSink(error=SinkError("unplugged"), error_at=0), vital=False)
        feed(fanout, [0])
    (record,) = caplog.records
    assert record.getMessage() == "camera has ended: unplugged"
    assert record.exc_info is None


def test_a_bug_in_a_view_is_shown_with_its_traceback(caplog):
    with Fanout() as fanout:
        fanout.add("view", FakeSink(error=TypeError("oh"), error_at=0), vital=False)
        feed(fanout, [0])
    assert caplog.records[0].exc_info[0] is TypeError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_report_that_fails_itself_leaves_no_sink_open():
    def broken(name, error):
        raise RuntimeError("cannot tell")

    bad = FakeSink(error=SinkError("gone"), error_at=0)
    with Fanout(report=broken) as fanout:
        fanout.add("bad", bad, vital=False)
        feed(fanout, [0])
    assert bad.end == "abort"


@pytest.mark.parametrize("vital", [True, False])
def test_a_reader_who_has_left_is_no_failure(vital, caplog):
    gone, file = FakeSink(error=BrokenPipeError(), error_at=2), FakeSink()
    with Fanout() as fanout:
        fanout.add("gone", gone, vital=vital)
        fanout.add("file", file)
        feed(fanout, range(10))
    assert gone.end == "abort"
    assert file.seen == list(range(10))
    assert not caplog.records


def test_nobody_listens_when_the_last_reader_has_left():
    gone = FakeSink(error=BrokenPipeError(), error_at=0)
    with Fanout() as fanout:
        assert not fanout.listening
        fanout.add("gone", gone, vital=False)
        assert fanout.listening
        feed(fanout, [0])
        assert gone.ended.wait(10)
        assert not fanout.listening
        feed(fanout, [1])


def test_the_first_error_at_the_end_wins_and_the_others_are_noted():
    first, second = SinkError("first"), SinkError("second")
    early = FakeSink(close_error=first)
    late = FakeSink(close_error=second, gate_close=early.ended)
    good = FakeSink()
    with pytest.raises(SinkError) as caught, Fanout() as fanout:
        fanout.add("late", late)
        fanout.add("early", early)
        fanout.add("good", good)
        feed(fanout, range(3))
    assert caught.value is first
    assert first.__notes__ == ["in the sink early", "late failed, too: second"]
    assert (early.end, late.end, good.end) == ("abort", "abort", "close")


def test_what_fails_while_the_run_ends_early_is_reported_and_not_raised():
    reported = []
    bad = FakeSink(error=SinkError("no room"), error_at=0, gate=threading.Event())
    fanout = Fanout(report=lambda *what: reported.append(what))
    with pytest.raises(RuntimeError, match="the run"), fanout:
        fanout.add("bad", bad)
        feed(fanout, [0])
        bad.gate.set()
        raise RuntimeError("the run")
    assert [(name, str(error)) for name, error in reported] == [("bad", "no room")]


def test_a_run_that_ends_early_leaves_files_with_all_they_were_given():
    file, view = FakeSink(gate=threading.Event()), FakeSink(gate=threading.Event())
    with pytest.raises(KeyboardInterrupt), Fanout() as fanout:
        fanout.add("file", file)
        fanout.add("view", view, policy=Policy.DROP_OLDEST, vital=False)
        feed(fanout, range(4))
        assert file.writing.wait(10)
        assert view.writing.wait(10)
        for sink in (file, view):
            sink.gate.set()
        raise KeyboardInterrupt
    assert file.seen == [0, 1, 2, 3]
    assert (file.end, view.end) == ("abort", "abort")


@pytest.mark.parametrize("early", [True, False])
def test_a_view_that_hangs_is_left_behind_and_named(early, caplog):
    stuck, file = FakeSink(gate=threading.Event()), FakeSink()
    fanout = Fanout(patience=0.01)
    fanout.add("stuck", stuck, policy=Policy.DROP_OLDEST, vital=False)
    fanout.add("file", file)
    feed(fanout, [0])
    assert stuck.writing.wait(10)
    (fanout.abort if early else fanout.close)()
    fanout.abort()
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["stuck did not end within 0.01 s and is left behind"]
    assert file.end == ("abort" if early else "close")
    stuck.gate.set()
    assert stuck.ended.wait(10)


def test_a_sink_that_cannot_be_opened_closes_those_before_it():
    first = FakeSink()

    def refused():
        raise SinkError("refused")

    with pytest.raises(SinkError, match="refused"), Fanout() as fanout:
        fanout.add("first", first)
        fanout.add("second", refused())
    assert first.end == "abort"


def test_a_sink_that_is_not_taken_is_aborted():
    again, narrow, late = FakeSink(), FakeSink(), FakeSink()
    with Fanout() as fanout:
        fanout.add("a", FakeSink())
        with pytest.raises(ValueError, match="taken"):
            fanout.add("a", again)
        with pytest.raises(ValueError, match="0 items"):
            fanout.add("b", narrow, policy=Policy.DROP_OLDEST, capacity=0)
    with pytest.raises(ValueError, match="the end"):
        fanout.add("c", late)
    assert again.end == narrow.end == late.end == "abort"


def test_closing_and_aborting_again_changes_nothing():
    sink = FakeSink()
    fanout = Fanout()
    fanout.add("a", sink)
    feed(fanout, range(3))
    fanout.close()
    fanout.close()
    fanout.abort()
    assert sink.end == "close"
    feed(fanout, [3])
    assert sink.seen == [0, 1, 2]


def test_metrics_know_each_sink():
    metrics = Metrics()
    view = FakeSink(gate=threading.Event())
    with Fanout(observer=metrics) as fanout:
        fanout.add("file", FakeSink())
        fanout.add("view", view, policy=Policy.DROP_OLDEST, capacity=1, vital=False)
        feed(fanout, [0])
        assert view.writing.wait(10)
        feed(fanout, range(1, 10))
        view.gate.set()
    snapshot = metrics.snapshot()
    assert (snapshot["file"].taken, snapshot["file"].dropped) == (10, 0)
    assert (snapshot["view"].taken, snapshot["view"].dropped) == (2, 8)


def test_no_picture_is_kept_that_is_done_with():
    sink = FakeSink(expected=1)
    with Fanout() as fanout:
        fanout.add("a", sink)
        picture = np.zeros((4, 4, 3), np.uint8)
        alive = weakref.ref(picture)
        one = result(0)
        fanout.write(one, picture)
        del picture, one
        assert sink.all_seen.wait(10)
        feed(fanout, [1])
    gc.collect()
    assert alive() is None


class Watching:
    """Keeps what is reported of a sink."""

    def __init__(self):
        self.reported = []

    def record(self, name, **what):
        self.reported.append(what)


def test_what_is_reported_of_a_sink_adds_up():
    watching = Watching()
    with Fanout(observer=watching) as fanout:
        fanout.add("file", FakeSink())
        feed(fanout, range(5))
    assert (
        sum(one["taken"] for one in watching.reported) == sum(one["given"] for one in watching.reported) == 5
    )
    assert all(one["waiting"] >= 0 and one["busy"] >= 0 for one in watching.reported)
    assert watching.reported[-1] == {"taken": 0, "given": 0, "waiting": 0.0, "busy": 0.0}
    assert max(one["busy"] for one in watching.reported) < 5


@pytest.mark.parametrize(
    ("given", "capacity", "vital"), [({}, 4, True), ({"capacity": 1, "vital": False}, 1, False)]
)
def test_four_frames_wait_for_a_sink_that_is_vital_unless_something_else_is_said(
    monkeypatch, given, capacity, vital
):
    made = []
    channel = fanout_module.Channel
    monkeypatch.setattr(fanout_module, "Channel", lambda *asked: made.append(asked) or channel(*asked))
    with Fanout() as fanout:
        fanout.add("a", FakeSink(), **given)
        (worker,) = fanout._outlets
    assert made == [(capacity, Policy.WAIT)]
    assert (worker.vital, worker.waits, worker.view) == (vital, True, False)


def test_what_hangs_is_waited_for_two_seconds_unless_another_time_is_said():
    assert (Fanout()._patience, Fanout(patience=0.5)._patience) == (2.0, 0.5)
