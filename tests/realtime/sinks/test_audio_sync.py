"""Sound stays with its pictures: in clips that flash when they beep, whatever the clocks begin with."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.file import VideoFile
from tests.helpers.beeps import RATE, beeping_clip, beeps, flashes
from tests.helpers.mp4_roundtrip import copy

MOMENTS = (0.6, 1.4)
HALF_A_FRAME = 0.5 / RATE
NINETY = Fraction(1, 90_000)
THOUSAND = Fraction(1, 1000)
# Suffix, codecs, time base. Some sound is copied and some becomes AAC.
SOURCES = [
    ("mp4", "libx264", "aac", NINETY),
    ("mp4", "libx264", "libmp3lame", NINETY),
    ("mov", "libx264", "pcm_s16le", NINETY),
    ("mkv", "libx264", "flac", THOUSAND),
    ("mkv", "libx264", "mp2", THOUSAND),
    ("webm", "libvpx-vp9", "libopus", THOUSAND),
    ("ts", "libx264", "mp2", NINETY),
    ("ts", "libx264", "aac", NINETY),
]
CLOCKS = {
    "together": {},
    "sound begins later": {"sound_start": 0.3},
    "pictures begin later": {"pictures_start": 0.4},
    "the clock begins at a second": {"start": 1.0},
    "the clock begins at twelve seconds": {"start": 12.0},
    "the clock begins at an hour": {"start": 3600.0},
}


@pytest.fixture
def roundtrip(tmp_path):
    """Gives a clip of a kind and its copy through the mp4 sink."""

    def made(suffix, video, audio, time_base, **clock):
        source, target = tmp_path / f"in.{suffix}", tmp_path / "out.mp4"
        beeping_clip(source, MOMENTS, video=video, audio=audio, time_base=time_base, **clock)
        copy(source, target)
        return source, target

    return made


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: "-".join(source[::2]))
def test_a_beep_is_heard_when_its_flash_is_seen(roundtrip, source, clock):
    before, after = roundtrip(*source, **CLOCKS[clock])
    seen, heard = np.array([flashes(before), beeps(before)]), np.array([flashes(after), beeps(after)])
    assert seen.shape == (2, 2), "the clip itself flashes and beeps twice"
    assert np.abs(seen[1] - seen[0]).max() < 0.002
    assert np.abs(heard[1] - heard[0]).max() < HALF_A_FRAME
    np.testing.assert_allclose(heard[1] - heard[0], seen[1] - seen[0], atol=0.002)


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(
    "source", [SOURCES[0], SOURCES[2], SOURCES[6]], ids=lambda source: "-".join(source[::2])
)
def test_sound_and_pictures_are_moved_by_the_origin_and_by_nothing_else(roundtrip, source, clock):
    before, after = roundtrip(*source, **CLOCKS[clock])
    with VideoFile(before) as video:
        origin = video.info.origin_seconds
    start = CLOCKS[clock].get("start", 0.0)
    # A coder's run-up may put the clock's beginning some milliseconds earlier.
    assert origin == pytest.approx(start if start > 10 else 0.0, abs=0.03)
    np.testing.assert_allclose(np.subtract(flashes(before), flashes(after)), origin, atol=1e-4)
    np.testing.assert_allclose(np.subtract(beeps(before), beeps(after)), origin, atol=0.002)


@pytest.mark.parametrize("audio", ["pcm_s16le", "libmp3lame"])
def test_of_an_avi_which_knows_no_beginnings(roundtrip, audio):
    before, after = roundtrip("avi", "mjpeg", audio, Fraction(1, RATE))
    np.testing.assert_allclose(flashes(after), flashes(before), atol=1e-4)
    np.testing.assert_allclose(beeps(after), beeps(before), atol=0.002)


@pytest.mark.parametrize(("suffix", "audio"), [("mp4", "aac"), ("mov", "pcm_s16le")])
def test_a_picture_before_zero_moves_all_that_follows(tmp_path, suffix, audio):
    """Players begin at zero, so that sound has to come as much later as the pictures do."""
    before, after = tmp_path / f"in.{suffix}", tmp_path / "out.mp4"
    beeping_clip(before, MOMENTS, audio=audio)
    with VideoFile(before) as video:
        early = -round(0.2 / video.info.time_base)
        info = replace(video.info, first_pts=early)
        frames = list(video)
    with Mp4Sink(after, info) as sink:
        for frame in [replace(frames[0], pts=early), *frames]:
            sink.write(EmotionFrame(frame, ()), frame.image)
    np.testing.assert_allclose(np.subtract(flashes(after), flashes(before)), 0.2, atol=1e-4)
    np.testing.assert_allclose(np.subtract(beeps(after), beeps(before)), 0.2, atol=0.002)
