"""Which pictures are let through to the models."""

import threading

from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.latest import LatestFrameSlot
from tests.helpers.results import video_frame


def test_the_newest_is_given_and_the_others_are_counted():
    metrics = Metrics()
    latest_slot = LatestFrameSlot(observer=metrics)
    for index in range(5):
        latest_slot.offer(video_frame(index))
    latest_slot.end()
    assert [frame.index for frame in latest_slot] == [4]
    assert metrics.snapshot()["source"].dropped == 4


def test_no_more_are_in_work_than_allowed():
    latest_slot = LatestFrameSlot(in_flight=2)
    given = []
    both, third = threading.Event(), threading.Event()

    def work():
        for frame in latest_slot:
            given.append(frame.index)
            (both if len(given) == 2 else third).set() if len(given) > 1 else taken.set()

    taken = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    latest_slot.offer(video_frame(0))
    assert taken.wait(30)
    latest_slot.offer(video_frame(1))
    assert both.wait(30)
    latest_slot.offer(video_frame(2))
    latest_slot.offer(video_frame(3))
    assert not third.wait(0.05)
    latest_slot.done()
    assert third.wait(30)
    latest_slot.abort()
    thread.join(30)
    assert given == [0, 1, 3]


def test_every_third_is_a_candidate():
    latest_slot = LatestFrameSlot(every=3, in_flight=100)
    frames = iter(latest_slot)
    given = []
    for index in range(7):
        latest_slot.offer(video_frame(index))
        if index % 3 == 0:
            given.append(next(frames).index)
    latest_slot.end()
    assert [*given, *(frame.index for frame in frames)] == [0, 3, 6]


def test_abort_frees_who_waits():
    latest_slot, ended = LatestFrameSlot(), threading.Event()
    thread = threading.Thread(target=lambda: (list(latest_slot), ended.set()))
    thread.start()
    latest_slot.abort()
    assert ended.wait(30)
    thread.join()
