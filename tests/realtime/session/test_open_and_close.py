"""What was opened and closed leaves no thread and no open file behind, without the garbage collector's help.

A batch of hundreds of videos, or a server, would gather them until its next visit.
"""

import gc
import time

import numpy as np
import psutil
import pytest

import emotion
from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.csv_jsonl import CsvTimeline
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.mjpeg import MjpegSink
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sinks.parquet import ParquetTimeline
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.live import open_live
from tests.helpers.clips import beginning, clip
from tests.helpers.shipped_models import shipped_models


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    """A short clip with a face."""
    path = tmp_path_factory.mktemp("face") / "face.mp4"
    beginning(DEMO, path, 8)
    return path


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """A short clip with sound."""
    path = tmp_path_factory.mktemp("stripes") / "stripes.mp4"
    clip(path, 12, audio="aac")
    return path


def written(sink, stripes):
    with VideoFile(stripes) as video, sink:
        for frame in video:
            sink.write(EmotionFrame(frame, ()), frame.image)


def info(stripes):
    with VideoFile(stripes) as video:
        return video.info


def begun(face, **options):
    with emotion.stream(face, models=shipped_models(), **options) as results:
        next(results)


def left(face, **options):
    for _ in emotion.stream(face, models=shipped_models(), **options):
        break


def failed(face):
    def pictures():
        with VideoFile(face) as video:
            yield next(iter(video))
            raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        list(emotion.stream(pictures(), models=shipped_models()))


def looked_at(landmarker):
    with landmarker:
        landmarker.detect(np.zeros((64, 64, 3), np.uint8))


def fanned_out(folder, stripes):
    with Fanout() as fanout:
        fanout.add("table", CsvTimeline(folder / "t.csv"))
        written(fanout, stripes)


def looked_into(source):
    with source:
        next(iter(source))


def kept(face):
    """The closed file stays in a variable, as in a notebook."""
    with VideoFile(face) as video:
        next(iter(video))
    KEPT.append(video)


KEPT = []
WAYS = {
    "a file that is kept": lambda face, stripes, folder: kept(stripes),
    "a file": lambda face, stripes, folder: looked_into(VideoFile(stripes)),
    "a live file": lambda face, stripes, folder: looked_into(open_live(str(stripes))),
    "a landmarker": lambda face, stripes, folder: looked_at(FaceLandmarker()),
    "a detector": lambda face, stripes, folder: FaceDetector().close(),
    "a stream that is closed": lambda face, stripes, folder: begun(face),
    "a stream that is left": lambda face, stripes, folder: left(face),
    "a stream that fails": lambda face, stripes, folder: failed(face),
    "a live stream": lambda face, stripes, folder: begun(face, live=True),
    "many workers": lambda face, stripes, folder: begun(face, finders=2, workers=2, stride=2),
    "an mp4": lambda face, stripes, folder: written(Mp4Sink(folder / "o.mp4", info(stripes)), stripes),
    "a table": lambda face, stripes, folder: written(ParquetTimeline(folder / "o.parquet"), stripes),
    "pictures for browsers": lambda face, stripes, folder: written(MjpegSink(0), stripes),
    "several at once": lambda face, stripes, folder: fanned_out(folder, stripes),
}


def held(process):
    """How many threads and open files it has."""
    return process.num_threads(), process.num_fds() if hasattr(process, "num_fds") else 0


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_open(way, face, stripes, tmp_path):
    process = psutil.Process()
    WAYS[way](face, stripes, tmp_path)  # libraries keep what they begin with the first
    gc.collect()
    threads, files = held(process)
    gc.disable()
    try:
        for _ in range(3):
            WAYS[way](face, stripes, tmp_path)
        deadline = time.monotonic() + 30
        while not np.less_equal(held(process), (threads, files)).all() and time.monotonic() < deadline:
            time.sleep(0.01)  # a thread that was told to end does so in its own time
        assert held(process)[0] <= threads
        assert held(process)[1] <= files
    finally:
        gc.enable()
