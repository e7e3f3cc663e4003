"""Clips read from a file and written by the mp4 sink, and what the written file holds."""

from fractions import Fraction

from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.file import VideoFile
from tests.helpers.clips import number, picture

SIZE = (64, 48)
TIME_BASE = Fraction(1, 12_800)
MILLISECONDS = Fraction(1, 1000)
INFO = VideoInfo(path=None, width=64, height=48, time_base=TIME_BASE, average_rate=Fraction(25))


def frame(index, pts, image=None):
    """A result without faces, whose picture shows its index."""
    image = picture(index, SIZE) if image is None else image
    return EmotionFrame(VideoFrame(index, pts, TIME_BASE, 0.0, image), ())


def copy(source, target, frames=None, end="close", **options):
    """Send a clip through an mp4 sink: all of it or so many frames, then an end."""
    with VideoFile(source) as video:
        sink = Mp4Sink(target, video.info, **options)
        for shown, _ in zip(video, range(10_000 if frames is None else frames), strict=False):
            sink.write(EmotionFrame(shown, ()), shown.image)
        return getattr(sink, end)()


def numbers(path):
    """The number that each picture of a clip shows."""
    with VideoFile(path) as video:
        return [number(shown.image) for shown in video]
