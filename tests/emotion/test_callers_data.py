"""What a caller hands over stays as it was: every value, and whether it may be written to."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

import emotion
from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker
from emotion.models.faces.picture import Picture
from emotion.models.faces.portrait import find_portrait
from emotion.models.regions import EYES, crop
from emotion.realtime.drawing.anonymise import Anonymiser
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.media import letterboxed
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.sinks.mjpeg import MjpegSink
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.web.analysis import analyse
from tests.helpers.mp4_roundtrip import INFO
from tests.helpers.results import face
from tests.helpers.shipped_models import shipped_models


@pytest.fixture(scope="module")
def models():
    return shipped_models()


@pytest.fixture
def pictures():
    """The caller's own, which may be written to; afterwards they are as they were."""
    with VideoFile(DEMO) as video:
        mine = [frame.image.copy() for frame, _ in zip(video, range(3), strict=False)]
    before = [picture.copy() for picture in mine]
    yield mine
    for picture, was in zip(mine, before, strict=True):
        assert picture.flags.writeable
        np.testing.assert_array_equal(picture, was)


def frame_of(picture, index=0):
    return VideoFrame(index, 40 * index, Fraction(1, 1000), 0.0, picture)


def test_a_frame_is_a_view_that_nobody_writes_through(pictures):
    frame = frame_of(pictures[0])
    assert np.shares_memory(frame.image, pictures[0])
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 0


def test_a_stream_of_pictures(models, pictures):
    frames = [frame_of(picture, index) for index, picture in enumerate(pictures)]
    for result in emotion.stream(frames, models=models):
        assert result.draw().flags.writeable
        assert not result.image.flags.writeable


def test_a_photograph(models, pictures):
    assert analyse(pictures[0], models, Options()).faces


def test_what_is_drawn_and_hidden(pictures):
    shown = EmotionFrame(frame_of(pictures[0]), (face("happiness"),))
    for mode in ("none", "blur", "landmarks"):
        Overlay().draw(Anonymiser(mode).hide(shown))


def test_landmarks_and_crops(pictures):
    with FaceLandmarker() as landmarker:
        found = find_portrait(landmarker, pictures[0])
        assert not landmarker.detect(np.zeros((64, 64, 3), np.uint8))
    detector = FaceDetector()
    assert len(detector.detect(Picture(pictures[0]))) == 1
    detector.close()
    crop(pictures[0], found.points, EYES)


def test_sinks(pictures, tmp_path):
    height, width = pictures[0].shape[:2]
    result = EmotionFrame(frame_of(pictures[0]), ())
    small = cv2.resize(pictures[0], (INFO.width, INFO.height))
    mp4, mjpeg = Mp4Sink(tmp_path / "out.mp4", INFO), MjpegSink(0)
    mp4.write(EmotionFrame(frame_of(small), ()), small)
    mjpeg.write(result, pictures[0])
    assert small.flags.writeable
    mp4.close()
    mjpeg.close()
    letterboxed(pictures[0], (width, height + 2))
