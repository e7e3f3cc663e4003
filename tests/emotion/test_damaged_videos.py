"""Damaged and odd videos through `emotion annotate`, the collected ones where they are at hand.

Each line says what should come of a file: frames in the results and in the mp4, seconds from the first to
the last, what the error says (nothing: exit code 0), and seconds of sound in the mp4.
"""

import csv
import json
from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
import pytest

from emotion.realtime.errors import IncompleteSourceError
from emotion.realtime.session.policies import EveryFrame
from emotion.videos import Outputs, annotate
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.helpers import damage
from tests.helpers.paths import SHARED

INPUTS = SHARED / "inputs"


@dataclass(frozen=True)
class Should:
    frames: int
    seconds: float | None = None
    error: str | None = None
    sound: float | None = None
    note: str | None = None


STEP = 1001 / 24_000
WHOLE_72, WHOLE_48 = 71 * STEP, 47 * STEP
SHOULD = {
    "about.mp4": Should(24, 23 * STEP, sound=1.0),
    "all-zero.flv": Should(48, WHOLE_48, sound=2.0, note="no valid time stamp"),
    "cut.avi": Should(61, error=r"61 of about 146 frames.* breaks off at 0:02\.6"),
    "cut.gif": Should(18, error=r"breaks off at 0:01\.8"),
    "cut.h264": Should(37, 36 * STEP, error=r"breaks off at 0:01\.5"),
    "cut.mpg": Should(70, error=r"breaks off at 0:03\.5"),
    "cut.nut": Should(37, 36 * STEP, error=r"breaks off at 0:01\.6"),
    "cut.ogv": Should(36, 35 * STEP, error=r"breaks off at 0:01\.5"),
    "cut.ts": Should(37, 36 * STEP, error=r"breaks off at 0:01\.6"),
    "cut.wmv": Should(38, 37 * STEP, error=r"breaks off at 0:01\.6"),
    "falling.flv": Should(48, WHOLE_48, sound=2.0, note="no valid time stamp"),
    "first-stamp.wmv": Should(72, WHOLE_72, sound=3.0),
    "fragment-missing.mp4": Should(36, WHOLE_48, error=r"damaged at 0:00\.5, 0\.5 s are missing"),
    "hole.avi": Should(
        90, 145 * STEP, error=r"damaged at 0:01\.\d, 2\.3 s are missing: 90 of about 146 frames"
    ),
    "hole.flv": Should(58, WHOLE_72, error=r"damaged at 0:01\.2, 0\.6 s are missing"),
    "hole.gif": Should(28, 2.7, error=r"damaged at 0:01\.[34]"),
    "hole.h264": Should(57, error=r"damaged at 0:01\.0"),
    "hole.mkv": Should(52, WHOLE_72, error=r"damaged at 0:01\.1, 0\.8 s are missing"),
    "hole.mpg": Should(109, 143 * STEP, error=r"damaged at 0:02\.\d, 1\.5 s are missing"),
    "hole.ogv": Should(48, WHOLE_72, error=r"damaged at 0:01\.0, 1\.0 s are missing"),
    "hole.ts": Should(57, WHOLE_72, error=r"damaged at 0:01\.[234], 0\.6 s are missing"),
    "hole.wmv": Should(57, WHOLE_72, error=r"damaged at 0:01\.\d, 0\.6 s are missing"),
    "index-error-1.flv": Should(70, 69 * STEP, error=r"damaged at 0:0[23]\.\d", sound=3.0),
    "index-error-2.flv": Should(71, WHOLE_72, error=r"damaged at 0:02\.\d", sound=3.0),
    "index-error.ts": Should(72, WHOLE_72, sound=3.0, note="track that is not announced"),
    "index-short.mp4": Should(48, WHOLE_48, sound=2.0, note="index contradicts itself"),
    "joined.flv": Should(96, 95 * STEP, sound=4.0, note="clock is reset at 0:02"),
    "joined.mp4": Should(48, WHOLE_48, error=r"another video behind this one", sound=2.0),
    "joined.ogv": Should(96, 95 * STEP, sound=4.0, note="clock is reset at 0:02"),
    "leap-24-days.flv": Should(48, WHOLE_48, sound=2.0, note="clock is reset at 0:01"),
    "leap-7h.ts": Should(48, WHOLE_48, sound=2.0, note="clock is reset at 0:01"),
    "no-stamps.ts": Should(48, WHOLE_48, sound=2.0, note="no valid time stamp"),
    "overlap-half.ts": Should(96, 95 * STEP, sound=4.0, note="clock is reset at 0:02"),
    "overlap.ts": Should(96, 95 * STEP, sound=4.0, note="clock is reset at 0:02"),
    "size-change.h264": Should(48, WHOLE_48),
    "size-change.ts": Should(48, WHOLE_48),
    "size-change.webm": Should(48, WHOLE_48),
    "sound-abort.asf": Should(72, WHOLE_72, error="damaged at 0:01.8", sound=3.0, note="sound"),
    "sound-abort.flv": Should(72, WHOLE_72, sound=3.0, note="sound"),
    "sound-abort.mp4": Should(72, WHOLE_72, sound=2.2, note="sound"),
    "sound-abort.wmv": Should(72, WHOLE_72, sound=3.0, note="sound"),
    "sound-falling.flv": Should(48, WHOLE_48, sound=2.0, note="sound"),
    "sound-leap.ts": Should(48, WHOLE_48, sound=2.0, note="sound"),
    "sound-lost.mpg": Should(72, WHOLE_72, sound=3.0, note="sound"),
    "sound-lost.wmv": Should(72, WHOLE_72, sound=3.0, note="sound"),
    "sound-nothing.flv": Should(72, WHOLE_72, sound=3.0, note="a track of its sound"),
    "sound-one-stamp.flv": Should(48, WHOLE_48, sound=2.0, note="sound"),
    "sound-stops.ts": Should(72, WHOLE_72, sound=3.0, note="sound"),
    "step-huge.mp4": Should(48, WHOLE_48, sound=2.0, note="index contradicts itself"),
    "step-zero.mp4": Should(48, WHOLE_48, sound=2.0, note="no valid time stamp"),
    "still-first.mkv": Should(48, WHOLE_48, sound=2.0, note="video track 0"),
    "timelapse.mp4": Should(12, 33.0),
    "two-videos.mp4": Should(48, WHOLE_48, sound=2.0, note="video track 0"),
    "whole.h264": Should(72, WHOLE_72),
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Annotates a video with stages that find nobody; gives its outputs and what it raised."""
    monkeypatch.setattr(EveryFrame, "stages", lambda self, models, options: [NoFaces()])

    def annotated(video):
        outputs = Outputs.of(video, tmp_path / "out")
        try:
            annotate(video, outputs, models=NO_MODELS)
        except IncompleteSourceError as error:
            return outputs, error
        return outputs, None

    return annotated


def shown(path):
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def heard(path):
    """Begin and end of the sound, and where beeps begin, in seconds; None without sound."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        frames = list(container.decode(audio=0))
    loud = [float(np.abs(frame.to_ndarray().astype(float)).max()) > 0.05 for frame in frames]
    beeps = [frame.time for frame, (a, b) in zip(frames[1:], pairwise(loud), strict=True) if b and not a]
    return frames[0].time, frames[-1].time + frames[-1].samples / frames[-1].sample_rate, beeps


@pytest.mark.skipif(not INPUTS.is_dir(), reason="needs the collected inputs, which do not ship")
@pytest.mark.parametrize("name", SHOULD)
def test_collected_videos_give_all_that_can_be_read_and_say_what_is_missing(run, name):
    should = SHOULD[name]
    outputs, error = run(INPUTS / name)
    assert not list(outputs.summary.parent.glob("*.partial.*"))
    with open(outputs.files["csv"], newline="") as file:
        assert [int(row["frame"]) for row in csv.DictReader(file)] == list(range(should.frames))
    times = shown(outputs.video)
    assert len(times) == should.frames
    if should.seconds is not None:
        assert times[-1] - times[0] == pytest.approx(should.seconds, abs=0.045)
    summary = json.loads(outputs.summary.read_text())
    assert summary["video"]["frames"] == should.frames
    assert summary["complete"] is (should.error is None)
    if should.error is None:
        assert error is None
    else:
        assert error.exit_code == 3
        assert_matches(should.error, [str(error)])
        assert summary["reasons"][0] == str(error)
    if should.note:
        assert_matches(should.note, summary["notes"])
    if should.sound:
        begin, end, beeps = heard(outputs.video)
        assert end - begin == pytest.approx(should.sound, abs=0.13)
        assert begin == pytest.approx(times[0], abs=0.09)
        for first, second in pairwise(beeps if "stops" not in name and name != "sound-abort.mp4" else []):
            assert second - first == pytest.approx(0.5, abs=0.06) or name.startswith("index-error")


def assert_matches(pattern, sentences):
    import re

    assert any(re.search(pattern, sentence) for sentence in sentences), sentences


SPOILS = {
    "falling": lambda n, stamp: max(0, 3000 - stamp),
    "one far ahead": lambda n, stamp: stamp + 2_147_000_000 if n == 30 else stamp,
    "leap of a day": lambda n, stamp: stamp if n < 20 else stamp + 86_400_000,
    "zero": lambda n, stamp: 0,
    "first far ahead": lambda n, stamp: 2_147_000_000 if n == 0 else stamp,
    "back and forth": lambda n, stamp: stamp + 5_000 * (n % 2),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_sound_whose_stamps_cannot_be_stays_in_step_with_whole_pictures(run, tmp_path, spoil):
    whole = damage.whole(tmp_path / "clip.flv")
    outputs, error = run(damage.retimed_flv(whole, 8, spoil))
    times = shown(outputs.video)
    assert len(times) == damage.FRAMES
    begin, end, beeps = heard(outputs.video)
    assert begin == pytest.approx(times[0], abs=0.15)
    assert end - begin == pytest.approx(3.0, abs=0.15)
    assert len(beeps) >= 5
    for first, second in pairwise(beeps):
        assert second - first == pytest.approx(0.5, abs=0.08)
    assert error is None
    assert any("sound" in note for note in json.loads(outputs.summary.read_text())["notes"])


def test_sound_is_moved_along_with_pictures_whose_clock_is_set_anew(run, tmp_path):
    first = damage.whole(tmp_path / "a.ts", 48)
    outputs, error = run(damage.joined(first, first, first))
    times = shown(outputs.video)
    assert times[-1] - times[0] == pytest.approx(143 / damage.RATE, abs=0.01)
    begin, end, beeps = heard(outputs.video)
    assert end - begin == pytest.approx(6.0, abs=0.15)
    for expected in (times[0] + 0.5 * n for n in range(12)):
        assert min(abs(expected - beep) for beep in [begin, *beeps]) < 0.09
    assert error is None


def test_damaged_sound_costs_sound_only(run, tmp_path):
    whole = damage.whole(tmp_path / "clip.mkv")
    with av.open(str(whole)) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size > 60]
    data = whole.read_bytes()
    for packet in packets[2::4]:
        data = data.replace(
            packet[8:], bytes(range(len(packet) - 8)) if len(packet) < 260 else bytes(len(packet) - 8)
        )
    whole.write_bytes(data)
    outputs, _ = run(whole)
    assert len(shown(outputs.video)) == damage.FRAMES
    assert heard(outputs.video)[1] == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("suffix", ["avi", "ts", "wmv", "mkv"])
def test_results_of_an_incomplete_video_are_finished_under_their_final_names(run, tmp_path, suffix):
    path = damage.cut(damage.whole(tmp_path / f"clip.{suffix}"), 0.6)
    outputs, error = run(path)
    assert isinstance(error, IncompleteSourceError)
    summary = json.loads(outputs.summary.read_text())
    assert all(file.exists() for file in outputs.all())
    assert not list(outputs.summary.parent.glob("*.partial.*"))
    assert summary["complete"] is False
    assert len(summary["reasons"]) >= 2
    assert len(shown(outputs.video)) == summary["video"]["frames"] > 5


def test_what_is_said_of_a_recording_is_carried_over(run, tmp_path):
    path = tmp_path / "about.mp4"
    about = {
        "title": "An interview",
        "comment": "second take",
        "creation_time": "2020-01-02T03:04:05.000000Z",
    }
    whole = damage.whole(tmp_path / "clip.mp4", 12)
    with av.open(str(whole)) as source, av.open(str(path), "w") as container:
        container.metadata.update(about)
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    outputs, _ = run(path)
    with av.open(str(outputs.video)) as container:
        kept = dict(container.metadata)
    # What made the results stands in a line below the source's own comment.
    comment, made = kept.pop("comment").split("\n")
    assert comment == about.pop("comment")
    assert json.loads(made)["program"]
    assert about.items() <= kept.items()
