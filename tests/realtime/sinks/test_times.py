"""Times are the source's in everything that is written, and all of it agrees on who showed what when."""

import csv
import json
import os
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from emotion.models.classes import EMOTIONS
from emotion.realtime import media
from emotion.realtime.media import VideoInfo, WallClock
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.sinks.events import EventSink
from emotion.realtime.sinks.formats import open_file
from tests.helpers.clips import timestamps
from tests.helpers.results import face

TIME_BASE = Fraction(1, 90_000)
HOUR = 3600 * 90_000


@dataclass(frozen=True)
class Stream:
    """What one person shows in pictures at uneven times, in units of `TIME_BASE`."""

    pts: tuple[int, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, seed, start=0, frames=400):
        """Labels that hold for a while, and flicker; steps of 10 to 70 ms that are no whole milliseconds."""
        random = np.random.default_rng(seed)
        pts = start + np.cumsum(random.integers(900, 6300, frames))
        labels = []
        while len(labels) < frames:
            labels += [EMOTIONS[random.integers(3)]] * int(random.choice([1, 2, 4, 9, 16, 30, 40]))
        return cls(tuple(pts.tolist()), tuple(labels[:frames]))

    @property
    def seconds(self):
        return [float(pts * TIME_BASE) for pts in self.pts]

    @property
    def info(self):
        start = float(self.pts[0] * TIME_BASE)
        return VideoInfo(
            path=None,
            width=64,
            height=48,
            time_base=TIME_BASE,
            first_pts=self.pts[0],
            start_seconds=start,
            average_rate=Fraction(25),
        )

    def frames(self):
        image = np.zeros((48, 64, 3), np.uint8)
        for index, (pts, label) in enumerate(zip(self.pts, self.labels, strict=True)):
            yield EmotionFrame(VideoFrame(index, pts, TIME_BASE, 0.0, image), (face(label),))

    def spans(self):
        """Begin, end and label of all that lasts: worked out from whole runs, not picture by picture."""
        found = []
        for label, run in groupby(zip(self.seconds, self.labels, strict=True), lambda pair: pair[1]):
            times = [time for time, _ in run]
            found.append((times[0], label))
        end = self.seconds[-1] + (self.seconds[-1] - self.seconds[-2])
        begins = [*(begin for begin, _ in found), end]
        return [(*span, label) for span, (_, label) in zip(pairwise(begins), found, strict=True)]


def write(stream, path, clock=None):
    with open_file(path, replace(stream.info, clock=clock)) as sink:
        for frame in stream.frames():
            sink.write(frame, frame.frame.image)
    return path


def events(stream):
    """What the pipe is told."""
    reading, writing = os.pipe()
    with open(reading, "rb") as reader:
        with open(writing, "wb") as writer, EventSink(descriptor=writer.fileno()) as sink:
            for frame in stream.frames():
                sink.write(frame, frame.frame.image)
        return [json.loads(line) for line in reader]


def cues(path: Path):
    """Begin and end in milliseconds, and text, as they are written."""
    found = []
    for block in path.read_text().replace(",", ".").split("\n\n"):
        if "-->" in block:
            _, times, text = block.split("\n", 2)
            begin, end = (milliseconds(clock) for clock in times.split(" --> "))
            found.append((begin, end, text.strip()))
    return found


def milliseconds(clock):
    hours, minutes, seconds = clock.split(":")
    return round(1000 * (3600 * int(hours) + 60 * int(minutes) + float(seconds)))


STARTS = {"zero": 0, "a second": 90_000, "an hour": HOUR}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_tables_say_the_sources_timestamps(tmp_path, start):
    stream = Stream.of(0, start)
    with open(write(stream, tmp_path / "a.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["pts"]) for row in rows] == list(stream.pts)
    assert [row["seconds"] for row in rows] == [f"{seconds:.6f}" for seconds in stream.seconds]
    lines = [json.loads(line) for line in write(stream, tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line["pts"] for line in lines] == list(stream.pts)
    assert [line["seconds"] for line in lines] == [round(seconds, 6) for seconds in stream.seconds]
    table = pq.read_table(write(stream, tmp_path / "a.parquet"))
    assert table["pts"].to_pylist() == list(stream.pts)
    assert table["seconds"].to_pylist() == pytest.approx(stream.seconds, abs=5e-7)
    assert [int(row["frame"]) for row in rows] == [line["frame"] for line in lines] == list(range(400))


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_pictures_have_the_sources_timestamps_less_the_origin(tmp_path, start):
    stream = Stream.of(0, start)
    origin = stream.info.origin * TIME_BASE
    assert (origin == 0) == (start < HOUR)
    expected = [pts * TIME_BASE - origin for pts in stream.pts]
    assert timestamps(write(stream, tmp_path / "a.mp4")) == expected


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("suffix", ["vtt", "srt"])
def test_subtitles_show_each_label_while_it_lasts(tmp_path, suffix, start):
    for seed in range(3):
        stream = Stream.of(seed, start)
        origin = stream.info.origin_seconds
        expected = [
            (round(1000 * (begin - origin)), round(1000 * (end - origin)), label)
            for begin, end, label in stream.spans()
        ]
        assert len(expected) > 2
        assert cues(write(stream, tmp_path / f"{seed}.{suffix}")) == expected


def test_events_tell_what_subtitles_show(tmp_path):
    for seed in range(3):
        stream = Stream.of(seed)
        reported = events(stream)
        assert [event["event"] for event in reported[:1] + reported[-1:]] == ["appeared", "left"]
        spans = [
            (round(1000 * first["seconds"]), round(1000 * second["seconds"]), first["emotion"])
            for first, second in pairwise(reported)
        ]
        assert spans == cues(write(stream, tmp_path / f"{seed}.vtt"))
        assert spans == cues(write(stream, tmp_path / f"{seed}.srt"))
        lasted = [event["lasted"] for event in reported[1:]]
        assert lasted == pytest.approx([(end - begin) / 1000 for begin, end, _ in spans], abs=0.0011)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_the_page_counts_as_players_do(tmp_path, start):
    stream = Stream.of(0, start)
    text = write(stream, tmp_path / "a.html").read_text()
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    begin = stream.seconds[0] - stream.info.origin_seconds
    # A bin begins where the first picture does, or less than its length before.
    assert begin - data["bin"] <= data["begin"] <= begin + 0.001
    length = stream.seconds[-1] - stream.seconds[0]
    assert data["bins"] * data["bin"] == pytest.approx(length, abs=3 * data["bin"])


def test_live_results_say_when_they_were_in_the_world(tmp_path):
    stream = Stream.of(0)
    clock = WallClock(1_764_396_900.25)
    with open(write(stream, tmp_path / "a.csv", clock), newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["utc"] == clock.text(stream.seconds[0])
    assert re.fullmatch(r"2025-11-29T06:15:0\d\.\d{3}Z", rows[0]["utc"])
    lines = [json.loads(line) for line in write(stream, tmp_path / "a.jsonl", clock).read_text().splitlines()]
    assert [line["utc"] for line in lines] == [row["utc"] for row in rows]
    table = pq.read_table(write(stream, tmp_path / "a.parquet", clock))
    reported = [when.isoformat(timespec="milliseconds")[:-6] + "Z" for when in table["utc"].to_pylist()]
    assert reported == [row["utc"] for row in rows]


def test_the_clock_of_the_world_is_set_once(monkeypatch):
    monkeypatch.setattr(media, "time", SimpleNamespace(time=lambda: 1_700_000_000.0, monotonic=lambda: 70.0))
    assert WallClock.set_now(65.0).zero == 1_700_000_000.0 - 5
    assert WallClock(0.0).text(61.25) == "1970-01-01T00:01:01.250Z"
