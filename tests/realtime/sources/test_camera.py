import gc
import logging
import re
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.pipeline.latest import LatestSlot
from emotion.realtime.pipeline.pipeline import Pipeline
from emotion.realtime.pipeline.stage import SOURCE
from emotion.realtime.sources.camera import CameraMode, CameraReader
from emotion.realtime.sources.live import LiveSource, camera_of, open_live
from emotion.realtime.sources.options import LiveOptions
from tests.fakes.camera import Camera
from tests.helpers.clips import number

QUICK = LiveOptions(open_seconds=20, stall_seconds=0.3, first_delay=0.05, longest_delay=0.1, attempts=50)
# Where no stall is wanted: a busy machine may hold up any thread for a second.
PATIENT = replace(QUICK, stall_seconds=20)


def live(camera, options=PATIENT, decode_seconds=None):
    def connect(over):
        mode = CameraMode(options.size, options.fps)
        return CameraReader(0, mode, decode_seconds or options.stall_seconds, camera.open)

    return LiveSource("camera 0", connect, options, "check the cable")


def take(frames, count):
    return [next(frames) for _ in range(count)]


def taken_by_hand(camera, count, options=PATIENT):
    """The source, and its first pictures, of which each is taken before the next comes."""
    camera.give()
    with live(camera, options) as source:
        frames, taken = iter(source), []
        for _ in range(count):
            taken.append(next(frames))
            camera.give()
        camera.let_go()
    return source, taken


def until(condition):
    """The test's own time limit ends the wait."""
    while not condition():
        threading.Event().wait(0.01)


def faults(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def wait_until_lost(source):
    until(lambda: not source.state.connected)


def test_pictures_come_as_they_are_taken():
    camera = Camera(by_hand=True)
    source, frames = taken_by_hand(camera, 20)
    assert (source.info.width, source.info.height, source.info.average_rate) == (64, 48, 100)
    assert np.diff([number(frame.image) for frame in frames]).tolist() == [1] * 19
    assert [frame.index for frame in frames] == list(range(20))
    assert frames[0].pts == 0
    assert frames[-1].seconds == pytest.approx(frames[-1].captured_at - frames[0].captured_at, abs=1e-4)
    until(lambda: camera.opened[0].released)


def test_the_newest_pictures_win_when_nobody_takes_them():
    camera = Camera(rate=200)
    with live(camera) as source:
        frames = iter(source)
        next(frames)
        until(lambda: source.skipped >= 20)
        after = number(next(frames).image)
        assert after > 15
        assert source.skipped >= 20


def test_a_camera_is_asked_for_what_is_wanted():
    camera = Camera()
    with live(camera, LiveOptions(size=(1280, 720), fps=60)) as source:
        assert (source.info.width, source.info.height) == (64, 48)
    assert camera.settings[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert camera.settings[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert camera.settings[cv2.CAP_PROP_FPS] == 60
    # More than USB 2 carries without compression.
    assert camera.settings[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")


def test_a_camera_is_left_as_it_is_when_nothing_is_wanted():
    camera = Camera()
    live(camera).close()
    assert camera.settings == {}


def test_fewer_pictures_a_second_come_evenly():
    with live(Camera(rate=100), LiveOptions(fps=25)) as source:
        frames = take(iter(source), 20)
        assert source.info.average_rate == 25
    gaps = np.diff([frame.captured_at for frame in frames])
    assert gaps.mean() >= 0.035
    assert gaps.min() > 0.01


def test_mirrored():
    _, frames = taken_by_hand(Camera(by_hand=True), 3, LiveOptions(mirror=True, stall_seconds=20))
    assert np.diff([number(frame.image[:, ::-1]) for frame in frames]).tolist() == [1, 1]


def test_gray_pictures_become_colour():
    class Gray(Camera):
        def open(self, device):
            capture = super().open(device)
            retrieve = capture.retrieve
            capture.retrieve = lambda: (True, retrieve()[1][:, :, 0])
            return capture

    with live(Gray()) as source:
        assert next(iter(source)).image.shape == (48, 64, 3)


def test_spoilt_pictures_are_passed_over(caplog):
    camera = Camera()
    camera.spoil = lambda number: number % 5 == 0
    with live(camera) as source:
        seen = [number(frame.image) for frame in take(iter(source), 20)]
    assert all(n % 5 for n in seen)
    assert faults(caplog) == []


def test_pictures_that_are_all_spoilt_are_a_loss(caplog):
    camera = Camera()
    with live(camera, decode_seconds=0.3) as source:
        frames = iter(source)
        take(frames, 3)
        camera.spoil = lambda number: len(camera.opened) == 1
        take(frames, 10)
    (line,) = faults(caplog)
    assert "no picture of the camera could be decoded for 0.3 s" in line


def test_a_pulled_cable_is_reported_and_the_camera_comes_back(caplog):
    camera = Camera()
    with live(camera) as source:
        frames = iter(source)
        taken = take(frames, 10)
        camera.plugged = False
        states = []

        def plug_in():
            wait_until_lost(source)
            until(lambda: source.state.attempt >= 3)
            states.append(source.state)
            camera.plugged = True

        helper = threading.Thread(target=plug_in)
        helper.start()
        taken += take(frames, 20)
        helper.join()
        assert source.state.connected
        assert source.state.attempt == 0
    (away,) = states
    assert not away.connected
    back = next(frame for frame in taken if frame.captured_at > away.since)
    assert source.state.since == back.captured_at
    assert away.attempt >= 3
    assert away.reason == "the camera gives no pictures any more"
    (line,) = faults(caplog)
    assert line == "camera 0: the camera gives no pictures any more; trying to reach it again"
    assert (np.diff([frame.pts for frame in taken]) > 0).all()
    assert [frame.index for frame in taken] == list(range(30))
    until(lambda: all(capture.released for capture in camera.opened))


def test_a_camera_that_hangs_is_given_up_on_and_opened_again(caplog):
    camera = Camera()
    opening = camera.open

    def well_again(device):
        # Only the first capture hangs: the one that is opened next finds the camera well.
        camera.hanging.clear()
        return opening(device)

    camera.open = well_again
    with live(camera, QUICK) as source:
        frames = iter(source)
        before = take(frames, 5)[-1]
        camera.hang()
        while len(camera.opened) == 1:  # some pictures are still on their way
            next(frames)
        after = take(frames, 5)
        assert after[-1].captured_at > before.captured_at + 0.3
        camera.wake()
    lines = faults(caplog)
    assert all("camera 0: no picture for" in line for line in lines)
    # One, unless a busy machine lets the next capture stall, too.
    assert len(lines) == len(camera.opened) - 1


def test_a_camera_that_never_answers_is_refused():
    camera = Camera()
    camera.hang()
    with pytest.raises(
        SourceError, match=r"camera 0 cannot be opened: no picture for 0.2 s; check the cable\."
    ):
        live(camera, LiveOptions(open_seconds=0.2))
    camera.wake()


def test_a_camera_that_does_not_come_back_ends_in_one_error(caplog):
    camera = Camera()
    options = LiveOptions(stall_seconds=20, first_delay=0.02, attempts=3)
    source = live(camera, options)
    frames = iter(source)
    taken = take(frames, 5)
    camera.plugged = False
    with pytest.raises(SourceError) as ended:
        taken += list(frames)
    assert str(ended.value).startswith("camera 0 is lost: the camera gives no pictures any more and could")
    assert re.search(r"again in 3 attempts, at last because: .+; check the cable\.$", str(ended.value))
    assert not source.state.connected
    assert len(taken) >= 5
    assert len(camera.opened) == 4
    assert len(faults(caplog)) == 1


@pytest.mark.parametrize("pictures", [1, 3])
def test_attempts_are_not_renewed_by_a_camera_that_comes_and_goes(pictures):
    camera = Camera()
    options = LiveOptions(stall_seconds=5, first_delay=0.01, attempts=4)
    camera.spoil = lambda number: setattr(camera, "plugged", number % pictures > 0) or False
    opening = camera.open

    def plugged_anew(device):
        camera.plugged = True
        return opening(device)

    camera.open = plugged_anew
    with live(camera, options) as source, pytest.raises(SourceError, match="4 attempts"):
        for count, _ in enumerate(source):
            assert count < 5 * pictures
    assert len(camera.opened) == 5


def test_no_attempts_means_none(caplog):
    camera = Camera()
    with live(camera, LiveOptions(attempts=0)) as source:
        frames = iter(source)
        next(frames)
        camera.plugged = False
        with pytest.raises(SourceError, match=r"is lost: the camera gives .+ more; check the cable\."):
            list(frames)
        assert not source.state.connected
    assert len(camera.opened) == 1
    assert faults(caplog) == []


@pytest.mark.parametrize("hanging", [False, True])
def test_abort_ends_the_iteration_from_another_thread(hanging):
    camera = Camera()
    source = live(camera, LiveOptions(stall_seconds=20))
    frames = iter(source)
    take(frames, 3)
    if hanging:
        camera.hang()
    threading.Timer(0.1, source.abort).start()
    for _ in frames:
        pass
    assert next(frames, None) is None
    source.close()
    camera.wake()


@pytest.mark.parametrize("trouble", ["nothing", "plugged out", "hanging"])
def test_abort_at_any_moment(trouble):
    for delay in np.linspace(0, 0.05, 12):
        camera = Camera(rate=1000)
        source = live(camera, LiveOptions(first_delay=0.001, longest_delay=0.001, attempts=10**6))
        timer = threading.Timer(delay, source.abort)
        timer.start()
        for frame in source:
            if frame.index == 5 and trouble == "plugged out":
                camera.plugged = False
            if frame.index == 5 and trouble == "hanging":
                camera.hang()
        timer.join()
        camera.wake()
        source.close()


def test_abort_ends_the_wait_before_an_attempt():
    camera = Camera()
    source = live(camera, LiveOptions(first_delay=100, longest_delay=100))
    frames = iter(source)
    take(frames, 3)
    camera.plugged = False

    def abort():
        wait_until_lost(source)
        source.abort()

    helper = threading.Thread(target=abort)
    helper.start()
    assert list(frames)[20:] == []
    helper.join()


def test_an_error_of_the_program_is_no_loss():
    camera = Camera()
    camera.spoil = lambda number: number == 5 and 1 // 0
    with live(camera) as source, pytest.raises(ZeroDivisionError):
        list(source)


@pytest.mark.parametrize("moment", ["while pictures come", "while it hangs", "while it is away"])
def test_a_pipeline_closes_at_once_whatever_the_camera_does(moment, caplog):
    camera = Camera()
    metrics = Metrics()
    source = live(camera, LiveOptions(stall_seconds=20, first_delay=20, longest_delay=20))
    with Pipeline(source, [], inbox=LatestSlot(), observer=metrics) as pipeline:
        next(pipeline)
        if moment == "while it hangs":
            camera.hang()
        if moment == "while it is away":
            camera.plugged = False
            wait_until_lost(source)
    assert metrics.snapshot()[SOURCE].given >= 1
    assert not any("left behind" in line for line in faults(caplog))
    camera.wake()


def test_a_source_that_is_forgotten_lets_its_camera_go():
    camera = Camera()
    frames = iter(live(camera))
    take(frames, 3)
    del frames
    gc.collect()
    until(lambda: camera.opened[0].released)


def test_a_live_source_is_read_once():
    with live(Camera()) as source:
        iter(source)
        with pytest.raises(ValueError, match="open it again"):
            iter(source)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (0, 480)},
        {"fps": 0},
        {"fps": -1},
        {"stall_seconds": 0},
        {"attempts": -1},
        {"open_seconds": 0},
    ],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match="|".join(wrong)):
        LiveOptions(**wrong)


def test_delays_grow_to_a_limit():
    options = LiveOptions(first_delay=0.5, longest_delay=8)
    assert [options.delay(n) for n in (1, 2, 3, 4, 5, 6, 10_000)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_what_names_a_camera():
    assert camera_of("0") == 0
    assert camera_of("/dev/video12") == "/dev/video12"
    assert camera_of("/dev/v4l/by-id/usb-cam") == "/dev/v4l/by-id/usb-cam"
    assert camera_of("clip.mp4") is None
    assert camera_of("-1") is None
    assert camera_of("²") is None


def test_a_camera_that_is_not_there_is_refused_in_a_sentence():
    with pytest.raises(
        SourceError, match=r"camera 97 cannot be opened: .+; see what 'emotion cameras' lists"
    ):
        open_live("97")
