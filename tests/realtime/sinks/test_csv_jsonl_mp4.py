import _thread
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.csv_jsonl import CsvTimeline, JsonLinesTimeline
from emotion.realtime.sinks.deferred_signals import deferred_signals
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sinks.parquet import ParquetTimeline
from emotion.realtime.sinks.subtitles import SrtSubtitles, VttSubtitles
from emotion.realtime.sources.file import VideoFile
from tests.helpers.clips import clip, loudness, picture, timestamps
from tests.helpers.mp4_roundtrip import INFO, TIME_BASE, frame, numbers
from tests.helpers.paths import ROOT
from tests.helpers.results import face, result
from tests.helpers.signals import usual_signals


def noise(index):
    return np.random.default_rng(index).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def test_signals_wait_for_what_must_not_stop_halfway():
    steps = []
    with usual_signals():
        handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            with deferred_signals():
                signal.raise_signal(signal.SIGINT)
                steps.append("done")
            steps.append("never")
        assert steps == ["done"]
        assert handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_other_threads_hold_no_signals():
    def work():
        with deferred_signals():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() is signal.getsignal(signal.SIGINT)


# Python itself loses an interrupt that comes while the callback of a weak reference runs, and says so: then
# another comes at the end.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("delay", [0.001, 0.005, 0.01, 0.02, 0.04, 0.08])
def test_an_interrupt_at_any_moment_leaves_every_frame_until_then(tmp_path, delay):
    clip(tmp_path / "in.mov", 100, audio="pcm_s16le")
    written = 0
    with (
        usual_signals(),
        VideoFile(tmp_path / "in.mov") as video,
        Mp4Sink(tmp_path / "out.mp4", video.info) as mp4,
    ):
        timeline = JsonLinesTimeline(tmp_path / "out.jsonl")
        timer = threading.Timer(delay, _thread.interrupt_main)
        try:
            timer.start()
            for shown in video:
                mp4.write(EmotionFrame(shown, ()), shown.image)
                timeline.write(EmotionFrame(shown, ()), shown.image)
                written += 1
            timer.join()
            time.sleep(1)
            _thread.interrupt_main()
            time.sleep(1)
        except KeyboardInterrupt:
            timeline.abort()
            kept = mp4.abort()
    seen = numbers(kept) if kept else []
    assert written <= len(seen) <= written + 1
    assert seen == list(range(len(seen)))
    lines = (tmp_path / "out.partial.jsonl").read_text().splitlines() if written else []
    assert [json.loads(line)["frame"] for line in lines] == list(range(len(lines)))


@pytest.mark.skipif(os.name == "nt", reason="no such kill")
@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_a_killed_video_can_be_played_up_to_the_last_seconds(tmp_path, codec):
    clip(tmp_path / "in.mov", 250, audio=codec)
    script = f"""
        import os, signal
        from pathlib import Path
        from emotion.realtime.messages import EmotionFrame
        from emotion.realtime.sources.file import VideoFile
        from emotion.realtime.sinks.mp4 import Mp4Sink
        from emotion.realtime.sinks.csv_jsonl import JsonLinesTimeline
        video = VideoFile({str(tmp_path / "in.mov")!r})
        sink = Mp4Sink(Path({str(tmp_path / "out.mp4")!r}), video.info)
        for shown in video:
            sink.write(EmotionFrame(shown, ()), shown.image)
            if shown.index == 220:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, check=False)
    assert run.returncode == -signal.SIGKILL
    kept = tmp_path / "out.partial.mp4"
    stamps = timestamps(kept)
    assert 120 <= len(stamps) <= 221
    assert stamps == timestamps(tmp_path / "in.mov")[: len(stamps)]
    assert loudness(kept, 0.5, 3) == pytest.approx(0.21, abs=0.02)


class Limit:
    """Makes every file too large beyond some bytes, as a full disk does."""

    def __init__(self, size):
        resource = pytest.importorskip("resource")
        self.name, self.set = resource.RLIMIT_FSIZE, resource.setrlimit
        self.before, self.size = resource.getrlimit(resource.RLIMIT_FSIZE), size

    def __enter__(self):
        self.set(self.name, (self.size, self.before[1]))

    def __exit__(self, *error):
        self.set(self.name, self.before)


def test_a_full_disk_leaves_what_was_written(tmp_path):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    written = 0
    with Limit(400_000), pytest.raises(SinkError, match=r"out\.mp4 cannot be written \(.*\): raise"):
        for index in range(2000):
            sink.write(frame(index, 512 * index), noise(index))
            written = index
    with pytest.raises(SinkError, match="failed before"):
        sink.close()
    kept = sink.abort()
    assert kept == tmp_path / "out.partial.mp4"
    stamps = timestamps(kept)
    assert written - 110 <= len(stamps) <= written
    assert stamps == [512 * n * TIME_BASE for n in range(len(stamps))]
    with VideoFile(kept) as video:
        assert len(list(video)) == len(stamps)


@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_disk_that_fills_at_the_very_end_leaves_what_was_written(tmp_path, end):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    for index in range(400):
        sink.write(frame(index, 512 * index), noise(index))
    size = (tmp_path / "out.partial.mp4").stat().st_size
    # One byte past the last fragment: enough to begin with the rest, not to end it.
    with Limit(size + 1):
        if end == "close":
            with pytest.raises(SinkError, match="raise this program"):
                sink.close()
        kept = sink.abort()
    assert not (tmp_path / "out.mp4").exists()
    stamps = timestamps(kept)
    assert 250 <= len(stamps) <= 400
    assert stamps == [512 * n * TIME_BASE for n in range(len(stamps))]


def test_a_disk_that_is_full_before_anything_can_be_played_leaves_nothing(tmp_path):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    with Limit(2000), pytest.raises(SinkError):
        for index in range(500):
            sink.write(frame(index, 512 * index), noise(index))
    assert sink.abort() is None
    assert list(tmp_path.iterdir()) == []


SINKS = [
    lambda path: Mp4Sink(path, INFO),
    CsvTimeline,
    JsonLinesTimeline,
    ParquetTimeline,
    VttSubtitles,
]


def fill(make, path):
    with make(path) as sink:
        for index in range(300):
            sink.write(frame(index, 512 * index), noise(index))


@pytest.mark.parametrize("make", SINKS)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has it")
def test_a_full_device_is_reported_in_a_sentence(make):
    with pytest.raises(SinkError, match=r"/dev/full cannot be written \(No space left .*: make room"):
        fill(make, Path("/dev/full"))


@pytest.mark.parametrize("make", SINKS)
def test_a_missing_folder_is_reported_in_a_sentence(make, tmp_path):
    with pytest.raises(SinkError, match="its folder is not there"):
        make(tmp_path / "nowhere" / "out.mp4")


@pytest.mark.parametrize("make", SINKS)
def test_a_file_in_the_place_of_the_folder_is_reported_in_a_sentence(make, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match="cannot be written"):
        make(tmp_path / "file" / "out.mp4")


@pytest.mark.parametrize("make", SINKS)
@pytest.mark.parametrize("name", ["out.mp4", "out.partial.mp4"])
def test_a_folder_in_the_place_of_the_file_is_reported_in_a_sentence(make, name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(SinkError, match=f"{name}.*a folder has this name"):
        make(tmp_path / "out.mp4")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write all")
@pytest.mark.parametrize("make", SINKS)
def test_a_forbidden_folder_is_reported_in_a_sentence(make, tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(SinkError, match="may be written to"):
        make(tmp_path / "out.mp4")


@pytest.mark.parametrize("place", ["in.mp4", "sub/../in.mp4", "link.mp4"])
def test_the_source_is_never_written_over(tmp_path, place):
    clip(tmp_path / "in.mp4", 5)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "in.mp4")
    before = (tmp_path / "in.mp4").read_bytes()
    with VideoFile(tmp_path / "in.mp4") as video:
        with pytest.raises(SinkError, match="is being read"):
            Mp4Sink(tmp_path / place, video.info)
        with pytest.raises(SinkError, match="is being read"):
            CsvTimeline(tmp_path / place, video.path)
    assert (tmp_path / "in.mp4").read_bytes() == before


def test_a_source_with_a_partial_name_is_never_written_over(tmp_path):
    clip(tmp_path / "clip.partial.mp4", 5)
    with VideoFile(tmp_path / "clip.partial.mp4") as video, pytest.raises(SinkError, match="being read"):
        Mp4Sink(tmp_path / "clip.mp4", video.info)


def test_an_encoder_that_refuses_is_reported_in_a_sentence(tmp_path):
    info = VideoInfo(path=None, width=40_000, height=40_000, time_base=TIME_BASE)
    with pytest.raises(SinkError, match=r"out\.mp4 cannot be written .*convert it"):
        Mp4Sink(tmp_path / "out.mp4", info)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [CsvTimeline, JsonLinesTimeline])
def test_a_full_disk_leaves_whole_lines(make, tmp_path, monkeypatch):
    monkeypatch.setattr("emotion.realtime.sinks.csv_jsonl._FLUSH_SECONDS", 0)
    sink = make(tmp_path / "out.txt")
    with Limit(20_000), pytest.raises(SinkError, match="raise this program"):
        for index in range(1000):
            sink.write(result(index, face("fear")), picture(index))
    kept = sink.abort()
    text = kept.read_text()
    assert text.endswith("\n")
    lines = text.splitlines()[make is CsvTimeline :]
    assert 20 < len(lines) < 300
    firsts = [line.split(",")[0].removeprefix('{"frame":') for line in lines]
    assert firsts == [str(number) for number in range(len(lines))]


def test_a_full_disk_leaves_whole_cues(tmp_path):
    sink = SrtSubtitles(tmp_path / "out.srt")
    labels = ("fear", "anger")
    with Limit(5_000), pytest.raises(SinkError, match="raise this program"):
        for index in range(1000):
            sink.write(result(index, face(labels[index % 2])), picture(index))
    text = sink.abort().read_text()
    cues = text.split("\n\n")
    assert cues.pop() == ""
    assert 50 < len(cues) < 200
    assert all(cue.startswith(f"{number}\n") for number, cue in enumerate(cues, start=1))
    assert all(cue.endswith(labels) for cue in cues)


def test_a_full_disk_leaves_no_parquet_file_that_nobody_can_read(tmp_path, monkeypatch):
    monkeypatch.setattr("emotion.realtime.sinks.parquet._GROUP_ROWS", 100)
    sink = ParquetTimeline(tmp_path / "out.parquet")
    with Limit(50_000), pytest.raises(SinkError, match="raise this program"):
        for index in range(10_000):
            sink.write(result(index, face("fear", share=index / 10_000)), picture(index))
    assert sink.abort() is None
    assert list(tmp_path.iterdir()) == []
    del sink
    gc.collect()
