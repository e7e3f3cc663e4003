"""What keys begin in a live window: a neutral face as baseline, a recording, the next camera."""

import threading
import time

import numpy as np
import pytest

from emotion.models.classes import SIX
from emotion.realtime.drawing import hud
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.playback.neutral_face import COUNTDOWN_SECONDS, MEASURED_SECONDS, NeutralFace
from emotion.realtime.playback.recorder import Recorder
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sources.camera import FoundCamera
from emotion.realtime.sources.live import LiveSource, other_camera
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.sources.reader import ConnectionLostError, Picture
from emotion.realtime.stages.baseline import Baseline
from tests.helpers.drawn import find_text
from tests.helpers.results import sure, video_frame


class People:
    """Notes what is asked for."""

    def __init__(self, baselines=1):
        self.asked, self.baselines = [], baselines

    def take_baseline(self, seconds):
        self.asked.append(seconds)


def test_a_countdown_comes_before_the_measuring_and_a_sentence_after_it():
    now = [10.0]
    people = People()
    neutral = NeutralFace(people, lambda: now[0])
    assert neutral.line() == ""
    neutral.begin()
    said = []
    for _ in range(90):
        said.append(neutral.line())
        now[0] += 0.1
    assert [said[at][-1] for at in (0, 11, 21)] == ["3", "2", "1"]
    assert people.asked == [MEASURED_SECONDS]
    assert "measured" in said[round(COUNTDOWN_SECONDS * 10) + 5]
    assert "neutral face taken of 1 person" in said
    assert said[-1] == ""


def test_where_nobody_was_seen_it_says_so():
    now = [0.0]
    neutral = NeutralFace(People(baselines=0), lambda: now[0])
    neutral.begin()
    said = []
    for _ in range(120):
        said.append(neutral.line())
        now[0] += 0.1
    assert "no face was seen for long enough: press b again" in said
    assert said[-1] == ""


def test_who_is_asked_for_a_neutral_face_is_measured_as_they_look():
    """Somebody whose resting face looks angry: by themselves no frame would count."""
    angry = sure("anger", 0.8)
    for requested in (False, True):
        baseline = Baseline(1.0, SIX, requested=requested)
        for index in range(40):
            vote = baseline.update(index / 20, angry)
        assert baseline.ready is requested
    assert vote[SIX.index("anger")] < 0.7


@pytest.fixture
def pictures(tmp_path):
    with Fanout() as made:
        yield made


def test_a_recording_runs_from_one_press_to_the_next(tmp_path):
    info = VideoInfo(path=None, width=64, height=48, time_base=video_frame(0).time_base)
    with Fanout() as pictures:
        recorder = Recorder(pictures, info, tmp_path, lambda: "now")
        assert recorder.toggle() == ""
        assert recorder.name == ""
        assert recorder.before(video_frame(0).pts) == ""
        assert recorder.name == "emotion-now.mp4"
        for index in range(5):
            assert recorder.before(video_frame(index).pts) == ""
            pictures.write(EmotionFrame(video_frame(index), ()), np.zeros((48, 64, 3), np.uint8))
            time.sleep(0.02)
        assert recorder.toggle() == "recorded as emotion-now.mp4"
        assert recorder.name == ""
        # The next one is another file, and the first is left alone.
        assert recorder.toggle() == ""
        assert recorder.before(video_frame(5).pts) == ""
        assert recorder.name == "emotion-now-2.mp4"
        pictures.write(EmotionFrame(video_frame(5), ()), np.zeros((48, 64, 3), np.uint8))
    assert {path.name for path in tmp_path.glob("*.mp4")} == {"emotion-now.mp4", "emotion-now-2.mp4"}
    assert set(pictures.paths) == {"emotion-now.mp4", "emotion-now-2.mp4"}


def test_a_recording_that_cannot_be_made_says_why(tmp_path):
    info = VideoInfo(path=None, width=64, height=48, time_base=video_frame(0).time_base)
    with Fanout() as pictures:
        recorder = Recorder(pictures, info, tmp_path / "missing", lambda: "now")
        assert recorder.toggle() == ""
        assert "emotion-now.mp4" in recorder.before(0)
        assert recorder.before(1) == ""
        assert recorder.name == ""


def test_a_red_dot_and_the_files_name_say_that_it_records():
    canvas = np.zeros((480, 640, 3), np.uint8)
    hud.recording(canvas, "emotion-now.mp4")
    blue, green, red = (canvas[..., channel].astype(int) for channel in range(3))
    assert ((red > 200) & (green < 90) & (blue < 90)).sum() > 30
    assert find_text(canvas, "emotion-now.mp4", hud.text_size(canvas))


class Camera:
    """Gives pictures of one brightness; or is none."""

    paced, rate = False, 30

    def __init__(self, level, size=(48, 64)):
        self.level, self.size = level, size

    def __call__(self, over):
        if self.level is None:
            raise ConnectionLostError("it is not there")
        return self

    def read(self):
        time.sleep(0.005)
        return Picture(time.monotonic(), np.full((*self.size, 3), self.level, np.uint8))

    def close(self):
        pass


def until(source, frames, level):
    for _ in range(400):
        if next(frames).image[24, 32, 0] == level:
            return
    raise AssertionError(f"no picture of {source.name}")


def test_the_next_camera_takes_over_and_the_one_before_where_it_is_none():
    options = LiveOptions(stall_seconds=20.0, open_seconds=20.0)
    with LiveSource("camera 0", Camera(10), options, "check it") as source:
        frames = iter(source)
        until(source, frames, 10)
        source.switch("camera 1", Camera(20, (96, 128)))
        until(source, frames, 20)
        assert source.name == "camera 1"
        assert next(frames).image.shape == (48, 64, 3), "of the first one's size"
        source.switch("camera 2", Camera(None))
        until(source, frames, 20)
        while source.name != "camera 1":
            next(frames)
        assert source.state.connected
    for thread in threading.enumerate():
        if thread.name == "live-link":
            thread.join(30)
            assert not thread.is_alive()


def test_cameras_come_one_after_the_other_and_those_with_a_problem_never():
    found = [FoundCamera("0", "a"), FoundCamera("1", "b", "is busy"), FoundCamera("2", "c")]
    assert other_camera("camera 0", LiveOptions(), lambda: found)[0] == "camera 2"
    assert other_camera("camera 2", LiveOptions(), lambda: found)[0] == "camera 0"
    assert other_camera("rtsp://somewhere", LiveOptions(), lambda: found) is None
    assert other_camera("camera 0", LiveOptions(), lambda: found[:2]) is None
