import os
import threading
import time
from fractions import Fraction

import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.sources.live import open_live
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.sources.reader import Pace
from tests.helpers.clips import clip, number


def test_a_file_plays_in_real_time_and_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Pace, "SLACK", 60.0)  # a busy machine is no pause
    clip(tmp_path / "clip.mp4", 30)
    frames = []
    with open_live(str(tmp_path / "clip.mp4")) as source:
        for frame in source:
            assert frame.captured_at <= time.monotonic(), "no picture comes before its time"
            frames.append(frame)
    assert [number(frame.image) for frame in frames] == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(29 / 25)
    assert [frame.seconds for frame in frames] == pytest.approx([n / 25 for n in range(30)])


def test_a_missing_file_is_refused():
    with pytest.raises(SourceError, match="does not exist"):
        open_live("missing.mp4", LiveOptions())


def test_a_file_that_is_cut_short_gives_what_is_there_and_then_says_so(tmp_path):
    path = tmp_path / "clip.mkv"
    clip(path, 100, time_base=Fraction(1, 1000))
    os.truncate(path, path.stat().st_size // 2)
    seen = []
    with open_live(str(path)) as source, pytest.raises(SourceError, match="incomplete"):
        for frame in source:
            seen.append(number(frame.image))
    assert len(seen) > 10
    # A machine that halts for a moment drops pictures, as of a camera, and counts them.
    assert seen == sorted(set(seen))
    assert len(seen) + source.skipped == seen[-1] + 1


def test_a_long_gap_in_a_file_is_shortened(tmp_path, caplog):
    stamps = [0, 40, 80, 600_000, 600_040, 600_080]
    clip(tmp_path / "gap.mkv", stamps=stamps, time_base=Fraction(1, 1000))
    with open_live(str(tmp_path / "gap.mkv"), LiveOptions(stall_seconds=1)) as source:
        frames = list(source)
    assert [number(frame.image) for frame in frames] == list(range(6))
    assert frames[-1].seconds < 10
    assert caplog.records == []


def test_a_file_waits_for_its_consumer_and_goes_on_at_its_pace(tmp_path):
    clip(tmp_path / "clip.mp4", 40)
    with open_live(str(tmp_path / "clip.mp4")) as source:
        frames = iter(source)
        taken = [next(frames)]
        threading.Event().wait(1.5)
        taken += frames
    assert [number(frame.image) for frame in taken] == list(range(40))
    assert source.skipped == 0
    # A pause is a gap, not a reason to hurry.
    assert taken[-1].seconds > 1 + 33 / 25


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match="is a folder"):
        open_live(str(tmp_path))


def test_abort_ends_a_file(tmp_path):
    clip(tmp_path / "slow.mkv", stamps=[0, 40, 1900], time_base=Fraction(1, 1000))
    source = open_live(str(tmp_path / "slow.mkv"))
    frames = iter(source)
    assert [next(frames).index, next(frames).index] == [0, 1]
    source.abort()
    assert list(frames) == []
    source.close()
