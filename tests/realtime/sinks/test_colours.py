"""Wherever pictures go, red is red and blue is blue; read back by libraries that want RGB."""

import http.client
import io
import sys
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from emotion.realtime.media import Colours, VideoInfo
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.mjpeg import MjpegSink
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sinks.virtual_camera import VirtualCameraSink
from tests.helpers.mp4_roundtrip import TIME_BASE
from tests.helpers.results import result, video_frame
from tests.helpers.two_colours import assert_red_then_blue, red_and_blue


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("size", [(128, 96), (127, 95)])
def test_in_an_mp4(tmp_path, size, matrix):
    info = VideoInfo(
        path=None, width=size[0], height=size[1], time_base=TIME_BASE, colours=Colours(matrix, matrix, matrix)
    )
    with Mp4Sink(tmp_path / "out.mp4", info) as sink:
        for index in range(3):
            sink.write(
                EmotionFrame(video_frame(index, 512 * index, time_base=TIME_BASE), ()), red_and_blue(size)
            )
    with av.open(str(tmp_path / "out.mp4")) as container:
        for frame in container.decode(video=0):
            assert frame.colorspace == matrix
            shown = frame.reformat(format="rgb24", src_colorspace={1: "ITU709", 6: "ITU601"}[matrix])
            assert_red_then_blue(shown.to_ndarray(), order="RGB", tolerance=12)


def test_in_a_browser_that_watches():
    with MjpegSink(0) as sink:
        sink.write(result(0), red_and_blue())
        connection = http.client.HTTPConnection(sink.url.removeprefix("http://").rstrip("/"), timeout=20)
        connection.request("GET", "/frame.jpg")
        shown = Image.open(io.BytesIO(connection.getresponse().read()))
    assert shown.mode == "RGB"
    assert_red_then_blue(np.asarray(shown), order="RGB")


@pytest.mark.parametrize("size", [(128, 96), (64, 48), (320, 100)])
def test_in_a_virtual_camera(monkeypatch, size):
    """It is told which order pictures have, and gets them in it, also where they are fitted in."""
    sent = []

    class Camera:
        device = "/dev/video9"

        def __init__(self, width, height, fps, fmt, device):
            assert fmt == "blue first"

        def send(self, frame):
            sent.append(frame)

        def close(self):
            pass

    orders = SimpleNamespace(BGR="blue first", RGB="red first")
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Camera, PixelFormat=orders))
    with VirtualCameraSink(128, 96) as sink:
        sink.write(result(0), red_and_blue(size))
    assert_red_then_blue(sent[0])
