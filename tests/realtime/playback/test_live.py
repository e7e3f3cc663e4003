"""The live loop with models that stand still, hurry or break, at moments that the tests choose."""

import queue
import sys
import threading
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion.models import cores as cores_module
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.playback.live import DISPLAY, Live, prompt_threads
from emotion.realtime.session import NewestFrame
from emotion.realtime.stages.load_shedding import LEVELS, LoadShedder
from tests.fakes.pipeline_parts import Fed, Gated
from tests.helpers.results import face, video_frame

PATIENCE = 30
SIZE = (120, 160)


def frame_at(index, left=40, top=30):
    """A picture with a textured square 40 pixels wide on a noisy ground."""
    noise = np.random.default_rng(1)
    picture = noise.integers(60, 90, (*SIZE, 3), np.uint8)
    picture[top : top + 40, left : left + 40] = np.random.default_rng(2).integers(
        0, 255, (40, 40, 3), np.uint8
    )
    return replace(video_frame(index, size=SIZE), picture=picture)


def square(frame, left=40, top=30):
    return EmotionFrame(frame, (face("happiness", box=Box(left, top, 40, 40)),))


def nobody(frame):
    return EmotionFrame(frame, ())


def until(condition):
    """The test's own time limit ends the wait."""
    while not condition():
        threading.Event().wait(0.001)


def indices(live):
    return [shown.result.frame.index for shown in live]


def test_the_picture_never_waits_for_the_models():
    source, models = Fed(), Gated(square, open_=False)
    with Live(source, [models]) as live:
        for index in range(20):
            source.put(frame_at(index))
            shown = live.take(PATIENCE)
            assert shown.result.frame.index == index
            assert shown.result.faces == ()
            assert shown.age is None
        models.gate.set()


def test_the_models_get_the_newest_picture_and_two_at_most_are_in_work():
    source, metrics = Fed(), Metrics()
    first, second = Gated(lambda frame: frame), Gated(square, open_=False)
    second.name = "second"
    with Live(source, [first, second], metrics=metrics) as live:
        source.put(frame_at(0))
        live.take(PATIENCE)
        assert second.entered.get(timeout=PATIENCE).index == 0
        source.put(frame_at(1))
        live.take(PATIENCE)
        assert first.entered.get(timeout=PATIENCE).index == 0
        assert first.entered.get(timeout=PATIENCE).index == 1
        for index in range(2, 9):
            source.put(frame_at(index))
            live.take(PATIENCE)
        # The screen has a picture before the models do.
        until(lambda: metrics.snapshot()["source"].dropped == 6)
        second.gate.set()
        assert [second.entered.get(timeout=PATIENCE).index for _ in range(2)] == [1, 8]
        source.end()
        indices(live)
    assert [frame.index for frame in first.seen] == [0, 1, 8]
    assert metrics.snapshot()["source"].dropped == 6
    assert metrics.snapshot()[DISPLAY].given == 9


def test_the_newest_result_is_shown_with_its_box_moved_and_its_age():
    source, models, came = Fed(), Gated(square), queue.SimpleQueue()
    with Live(source, [models], on_result=came.put) as live:
        source.put(frame_at(0))
        assert live.take(PATIENCE).result.frame.index == 0
        came.get(timeout=PATIENCE)
        models.gate.clear()
        for index, (left, top) in enumerate([(43, 30), (47, 28), (52, 25)], start=1):
            source.put(frame_at(index, left, top))
            shown = live.take(PATIENCE)
            (moved,) = shown.result.faces
            assert (moved.box.left, moved.box.top) == pytest.approx((left, top), abs=0.8)
            assert (moved.box.width, moved.box.height) == (40, 40)
            assert shown.age > 0
        models.gate.set()


def test_all_results_come_before_the_end():
    source, models, results = Fed(), Gated(square), []
    with Live(source, [models], on_result=results.append) as live:
        source.put(frame_at(0))
        source.end()
        assert indices(live) == [0]
        assert [result.frame.index for result in results] == [0]
        with pytest.raises(StopIteration):
            live.take(PATIENCE)


def test_nothing_yet_is_no_end():
    source = Fed()
    with Live(source, [Gated(nobody)]) as live:
        with pytest.raises(NothingYetError):
            live.take(0.01)
        source.put(frame_at(0))
        assert live.take(PATIENCE).result.frame.index == 0


def test_an_error_of_the_source_comes_after_its_pictures_and_results():
    source, results = Fed(), []
    with Live(source, [Gated(square)], on_result=results.append) as live:
        source.put(frame_at(0))
        source.end(OSError("unplugged"))
        assert live.take(PATIENCE).result.frame.index == 0
        with pytest.raises(OSError, match="unplugged"):
            live.take(PATIENCE)
    assert len(results) == 1


@pytest.mark.parametrize("hold", [False, True])
def test_an_error_of_a_stage_ends_the_stream(hold):
    def crash(frame):
        raise RuntimeError("broken on purpose")

    source, stage = Fed(), Gated(crash)
    with Live(source, [stage], hold=hold) as live:
        source.put(frame_at(0))
        with pytest.raises(RuntimeError, match="broken on purpose"):
            while True:
                try:
                    live.take(0.05)
                except NothingYetError:
                    source.put(frame_at(1))
    assert stage.closed.is_set()
    assert source.closed.wait(PATIENCE)


def test_an_error_of_the_listener_ends_the_stream():
    def refuse(result):
        raise OSError("disk full")

    source = Fed()
    with Live(source, [Gated(square)], on_result=refuse) as live:
        source.put(frame_at(0))
        source.end()
        with pytest.raises(OSError, match="disk full"):
            indices(live)


@pytest.mark.parametrize("hold", [False, True])
def test_a_result_is_shown_while_its_listener_is_at_it(hold):
    source, heard, gate = Fed(), queue.SimpleQueue(), threading.Event()

    def listen(result):
        heard.put(result)
        gate.wait(PATIENCE)

    with Live(source, [Gated(square)], hold=hold, on_result=listen) as live:
        source.put(frame_at(0))
        heard.get(timeout=PATIENCE)
        if not hold:
            assert live.take(PATIENCE).result.frame.index == 0
            source.put(frame_at(1))
        assert live.take(PATIENCE).result.faces
        gate.set()


def test_hiding_may_begin_on_the_way():
    source, came = Fed(), queue.SimpleQueue()
    with Live(source, [Gated(square)], on_result=came.put) as live:
        for index in range(3):
            source.put(frame_at(index))
            live.take(PATIENCE)
            came.get(timeout=PATIENCE)
        live.hold = True
        source.put(frame_at(3))
        shown = live.take(PATIENCE).result
        assert (shown.frame.index, len(shown.faces)) == (3, 1)


def test_closing_frees_a_source_and_models_that_wait():
    source, models = Fed(), Gated(square)
    live = Live(source, [models])
    source.put(frame_at(0))
    live.take(PATIENCE)
    live.close()
    live.close()
    assert source.closed.is_set()
    assert models.closed.is_set()
    with pytest.raises(StopIteration):
        live.take(PATIENCE)


def test_pictures_that_the_screen_is_too_slow_for_are_dropped_and_counted():
    source, metrics = Fed(), Metrics()
    with Live(source, [Gated(square)], metrics=metrics) as live:
        for index in range(8):
            source.put(frame_at(index))
        source.end()
        assert source.closed.wait(PATIENCE)
        assert indices(live) == [5, 6, 7]
    display = metrics.snapshot()[DISPLAY]
    assert (display.given, display.dropped) == (3, 5)


def test_what_waits_for_the_screen_is_dropped_when_it_is_closed():
    source = Fed()
    live = Live(source, [Gated(square)])
    for index in range(3):
        source.put(frame_at(index))
    live.take(PATIENCE)
    source.end()
    assert source.closed.wait(PATIENCE)
    live.close()
    with pytest.raises(StopIteration):
        live.take(PATIENCE)


def test_held_pictures_come_when_they_were_looked_at_and_every_one_comes():
    source, models = Fed(), Gated(lambda frame: square(frame, left=40 + 10 * frame.index), open_=False)
    metrics = Metrics()
    with Live(source, [models], hold=True, metrics=metrics) as live:
        source.put(frame_at(0))
        models.entered.get(timeout=PATIENCE)
        for index in range(1, 5):
            source.put(frame_at(index))
            until(lambda index=index: metrics.snapshot()[DISPLAY].given == index + 1)
            with pytest.raises(NothingYetError):
                live.take(0.05)
        models.gate.set()
        shown = [live.take(PATIENCE).result for _ in range(5)]
        assert [result.frame.index for result in shown] == list(range(5))
        # Looked at were some of them only: in between, boxes are on their way.
        assert [result.faces[0].box.left for result in shown] == pytest.approx([40, 50, 60, 70, 80])
        source.end()


def test_held_pictures_that_nobody_looked_at_are_never_shown():
    source, models = Fed(), Gated(square, open_=False)
    with Live(source, [models], hold=True) as live:
        source.put(frame_at(0))
        models.entered.get(timeout=PATIENCE)
        models.answer = lambda frame: square(frame) if frame.index == 0 else nobody(frame)
        source.end()
        models.gate.set()
        assert indices(live) == [0]


def test_pictures_are_not_kept():
    alive, source = [], Fed()
    with Live(source, [Gated(square)]) as live:
        for index in range(200):
            frame = frame_at(index)
            alive.append(weakref.ref(frame.image))
            source.put(frame)
            del frame
            live.take(PATIENCE)
        source.end()
        indices(live)
        assert sum(picture() is not None for picture in alive) < 12


class Strict(LoadShedder):
    """Saves all it can from its second result on."""

    def __init__(self):
        super().__init__(None)
        self.noted = []

    @property
    def saving(self):
        return LEVELS[-1 if len(self.noted) > 1 else 0]

    def note(self, latency, now):
        self.noted.append(latency)
        return len(self.noted) == 2


def test_what_is_left_out_is_said_and_done():
    load_shedder, source, models, came = Strict(), Fed(), Gated(square), queue.SimpleQueue()
    said, every = [], LEVELS[-1].faces_every
    with Live(source, [models], policy=NewestFrame(load_shedder), on_result=came.put) as live:
        for index in range(2 + 2 * every):
            source.put(frame_at(index))
            said.append(live.take(PATIENCE).changed)
            if index < 2 or index % every == 0:
                came.get(timeout=PATIENCE)
        source.end()
        indices(live)
    assert [frame.index for frame in models.seen] == [0, 1, every, 2 * every]
    assert said.count(LEVELS[-1].sentence()) == 1
    assert live.report()["left_out"] == LEVELS[-1].sentence()
    assert live.report()["capture_to_result_ms"]["count"] == len(load_shedder.noted) == 4


@pytest.mark.parametrize("cores", [2, 4, 5])
def test_while_pictures_are_waited_for_python_switches_often_and_opencv_works_alone(monkeypatch, cores):
    monkeypatch.setattr(cores_module, "available_cores", lambda: cores)
    before = sys.getswitchinterval(), cv2.getNumThreads()
    with pytest.raises(RuntimeError, match="on purpose"), prompt_threads():
        assert sys.getswitchinterval() <= 0.001
        # With a core for each thread that is busy the others are for OpenCV's helpers.
        assert cv2.getNumThreads() == (1 if cores <= 4 else before[1])
        raise RuntimeError("broken on purpose")
    assert (sys.getswitchinterval(), cv2.getNumThreads()) == before
