"""Times are the source's in everything that is written, and all of it agrees on who showed what when."""

import csv
import json
import os
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from emotion.models.classes import EMOTIONS
from emotion.realtime.media import VideoInfo
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

    def spans(self, dwell):
        """Begin, end and label of all that lasts: worked out from whole runs, not picture by picture."""
        found = []
        for label, run in groupby(zip(self.seconds, self.labels, strict=True), lambda pair: pair[1]):
            times = [time for time, _ in run]
            if times[-1] - times[0] >= dwell - 1e-9 and (not found or found[-1][1] != label):
                found.append((times[0], label))
        end = self.seconds[-1] + (self.seconds[-1] - self.seconds[-2])
        begins = [*(begin for begin, _ in found), end]
        return [(*span, label) for span, (_, label) in zip(pairwise(begins), found, strict=True)]


def write(stream, path, dwell=0.5):
    with open_file(path, stream.info, dwell=dwell) as sink:
        for frame in stream.frames():
            sink.write(frame, frame.frame.image)
    return path


def events(stream, dwell):
    """What the pipe is told."""
    reading, writing = os.pipe()
    with open(reading, "rb") as reader:
        with open(writing, "wb") as writer, EventSink(dwell=dwell, descriptor=writer.fileno()) as sink:
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


@pytest.mark.parametrize("dwell", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("suffix", ["vtt", "srt"])
def test_subtitles_show_what_lasts_for_the_dwell_time(tmp_path, suffix, start, dwell):
    for seed in range(3):
        stream = Stream.of(seed, start)
        origin = stream.info.origin_seconds
        expected = [
            (round(1000 * (begin - origin)), round(1000 * (end - origin)), label)
            for begin, end, label in stream.spans(dwell)
        ]
        assert len(expected) > 2
        assert cues(write(stream, tmp_path / f"{seed}.{suffix}", dwell)) == expected


@pytest.mark.parametrize("dwell", [0.0, 0.25, 0.5, 1.0])
def test_events_tell_what_subtitles_show(tmp_path, dwell):
    for seed in range(3):
        stream = Stream.of(seed)
        told = events(stream, dwell)
        assert [event["event"] for event in told[:1] + told[-1:]] == ["appeared", "left"]
        spans = [
            (round(1000 * first["seconds"]), round(1000 * second["seconds"]), first["emotion"])
            for first, second in pairwise(told)
        ]
        assert spans == cues(write(stream, tmp_path / f"{seed}.vtt", dwell))
        assert spans == cues(write(stream, tmp_path / f"{seed}.srt", dwell))
        lasted = [event["lasted"] for event in told[1:]]
        assert lasted == pytest.approx([(end - begin) / 1000 for begin, end, _ in spans], abs=0.0011)


def test_without_a_word_on_it_all_of_them_wait_for_half_a_second(tmp_path):
    stream = Stream.of(1)
    expected = [(round(1000 * begin), round(1000 * end), label) for begin, end, label in stream.spans(0.5)]
    for suffix in ("vtt", "srt"):
        with open_file(tmp_path / f"a.{suffix}", stream.info) as sink:
            for frame in stream.frames():
                sink.write(frame, frame.frame.image)
        assert cues(tmp_path / f"a.{suffix}") == expected
    assert expected != [(round(1000 * b), round(1000 * e), label) for b, e, label in stream.spans(0.25)]


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
