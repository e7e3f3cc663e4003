"""Sound in step with the clock, heard by a device that is none and in a time that is made up."""

import threading
import time

import av
import numpy as np
import pytest

from emotion.realtime.media import VideoInfo
from emotion.realtime.playback import video_view
from emotion.realtime.playback.clock import PlayClock
from emotion.realtime.playback.sound import RATE, Sound, decoded, open_device, tempo_steps
from emotion.realtime.sources.file import VideoFile
from tests.helpers.beeps import beeping_clip

MOMENTS = (0.4, 1.0, 1.6)
LATENCY = 0.07
BLOCK = 0.01
IN_STEP = 0.04


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "beeps.mp4"
    beeping_clip(path, MOMENTS, seconds=2.4)
    return path


class Player:
    """A clock, a sound and a device; time goes on only in `play`."""

    def __init__(self, clip):
        self.now = 50.0
        self.clock = PlayClock(lambda: self.now)
        self.heard = []  # (when, sample)
        self.sound = Sound(clip, self.clock, self.open)

    def open(self, fill):
        self.fill = fill
        return self

    def close(self):
        self.fill = None

    def play(self, seconds):
        """Let time pass; what comes out is noted with the time at which it is heard."""
        for _ in range(round(seconds / BLOCK)):
            self.sound.follow()
            deadline = time.monotonic() + 20
            while self.clock.running and self.sound.ahead < 0.5 and time.monotonic() < deadline:
                time.sleep(0.002)
            block = np.empty((round(BLOCK * RATE), 2), np.float32)
            self.fill(block, LATENCY)
            times = self.now + LATENCY + np.arange(len(block)) / RATE
            self.heard.append((times, block.copy()))
            self.now += BLOCK

    def onsets(self, since=0.0):
        """When it begins to be loud after silence."""
        times = np.concatenate([times for times, _ in self.heard])
        loud = times[np.abs(np.concatenate([block for _, block in self.heard])[:, 0]) > 0.15]
        loud = loud[loud >= since]
        return loud[np.concatenate([[True], np.diff(loud) > 0.08])].tolist() if loud.size else []


@pytest.fixture
def player(clip):
    made = Player(clip)
    yield made
    made.sound.close()


def test_beeps_are_heard_when_the_clock_is_at_them(player):
    player.clock.start()
    start = player.now
    player.play(2.2)
    assert player.onsets() == pytest.approx([start + moment for moment in MOMENTS], abs=IN_STEP)


def test_what_is_heard_is_what_is_in_the_file(player, clip):
    player.clock.start()
    player.play(1.3)
    heard = np.concatenate([block for _, block in player.heard])[:, 0]
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    own = np.concatenate(frames)
    at = np.flatnonzero(np.abs(heard) > 0.15)[0]
    shift = at - np.flatnonzero(np.abs(own) > 0.15)[0]
    part = slice(at + 100, at + 4000)
    # One channel on two loudspeakers is as loud as it was: each has it by the square root of a half.
    expected = own[part.start - shift : part.stop - shift] / np.sqrt(2)
    np.testing.assert_allclose(heard[part], expected, atol=0.01)


def test_after_a_pause_it_goes_on_where_the_pictures_do(player):
    player.clock.start()
    player.play(0.7)
    player.clock.stop()
    player.play(0.5)
    assert len(player.onsets()) == 1, "silent while it stands"
    goes_on = player.now
    player.clock.start()
    player.play(0.8)
    (beep,) = player.onsets(goes_on)
    assert beep == pytest.approx(goes_on + MOMENTS[1] - 0.7, abs=IN_STEP)


@pytest.mark.parametrize("place", [1.3, 0.1, 0.9])
def test_after_a_jump_it_is_where_the_pictures_are(player, place):
    player.clock.start()
    player.play(0.6)
    player.clock.set(place)
    jumped = player.now
    player.play(0.5)
    beeps = [moment for moment in MOMENTS if place < moment < place + 0.5]
    assert player.onsets(jumped + LATENCY) == pytest.approx(
        [jumped + moment - place for moment in beeps], abs=IN_STEP
    )


@pytest.mark.parametrize("speed", [0.5, 1.5, 2.0, 4.0])
def test_at_another_speed_beeps_come_when_the_pictures_do_and_sound_alike(player, speed):
    player.clock.speed = speed
    player.clock.start()
    start = player.now
    player.play(1.8 / speed)
    expected = [start + moment / speed for moment in MOMENTS]
    assert player.onsets() == pytest.approx(expected, abs=IN_STEP)
    heard = np.concatenate([block for _, block in player.heard])[:, 0]
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * RATE / len(heard) == pytest.approx(1000, abs=30), "the pitch is kept"


def test_muted_it_plays_on_unheard(player):
    player.sound.muted = True
    player.clock.start()
    player.play(0.7)
    assert player.onsets() == []
    player.sound.muted = False
    start = player.now
    player.play(0.6)
    assert player.onsets() == pytest.approx([start + MOMENTS[1] - 0.7], abs=IN_STEP)


def test_volume_is_a_factor_within_bounds(player):
    loudest = {}
    player.clock.start()
    for volume in (1.0, 0.5):
        player.sound.volume = volume
        player.play(0.7)
        loudest[volume] = max(np.abs(block).max() for _, block in player.heard)
        player.heard.clear()
    assert loudest[0.5] == pytest.approx(loudest[1.0] / 2, rel=0.1)
    player.sound.volume = 7
    assert player.sound.volume == 1


def test_its_thread_ends_with_it(clip):
    made = Player(clip)
    made.clock.start()
    made.play(0.1)
    made.sound.close()
    deadline = time.monotonic() + 10
    while any(thread.name == "sound" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_file_that_is_none_is_silent(tmp_path):
    (tmp_path / "none.mp4").write_bytes(b"nothing")
    made = Player(tmp_path / "none.mp4")
    made.clock.start()
    made.play(0.1)
    assert made.onsets() == []
    made.sound.close()


def test_speeds_are_made_of_what_the_filter_can_do():
    assert tempo_steps(1.0) == []
    for speed in (0.25, 0.5, 0.75, 1.5, 2.0, 4.0):
        steps = tempo_steps(speed)
        assert np.prod(steps) == pytest.approx(speed)
        assert all(0.5 <= step <= 2 for step in steps)


def test_sound_begins_where_it_is_requested(clip):
    samples = np.concatenate(list(decoded(clip, 0.9, 1.0)))[:, 0]
    assert np.flatnonzero(np.abs(samples) > 0.15)[0] / RATE == pytest.approx(0.1, abs=0.01)


def test_a_machine_without_a_device_plays_silently_and_says_so(clip, monkeypatch):
    def none(path, clock):
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(video_view, "Sound", none)
    said = []
    with VideoFile(clip) as video:
        info = video.info
    assert video_view._sound(clip, info, PlayClock(), said.append) is None
    assert said == ["The video is played without its sound: PortAudio library not found."]
    silent = VideoInfo(path=None, width=64, height=48, time_base=info.time_base)
    assert video_view._sound(clip, silent, PlayClock(), said.append) is None
    assert len(said) == 1


def test_what_is_missing_for_a_device_is_an_oserror(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(OSError, match="sounddevice"):
        open_device(lambda block, delay: None)


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_in_every_speed_the_middle_of_a_beep_is_at_its_moment(clip, speed):
    """The filter for speeds spreads what begins suddenly; what counts is its middle."""
    samples = np.concatenate(list(decoded(clip, 0.0, speed)))[:, 0]
    with av.open(str(clip)) as container:
        own = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert first_middle(samples) == pytest.approx(first_middle(own) / speed, abs=0.02)


def first_middle(samples):
    """The middle of the first beep, in seconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    last = loud[np.flatnonzero(np.diff(loud) > 0.05 * RATE)[0]]
    return (loud[0] + last) / 2 / RATE
