"""Whatever pictures come from, red is red and blue is blue: every picture here is BGR."""

import functools
import http.server
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from emotion.realtime.sources.camera import CameraMode, CameraReader
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.network import StreamReader
from tests.fakes.camera import Camera
from tests.helpers.clips import QUARTER_RIGHT, clip, turn
from tests.helpers.two_colours import BLUE, RED, assert_red_then_blue, red_and_blue


def film(path, codec, pix_fmt, size=(128, 96), frames=12, **colours):
    """A clip of the picture, written from RGB, so that both orders meet on the way."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, width=size[0], height=size[1], pix_fmt=pix_fmt)
        for name, value in colours.items():
            setattr(stream.codec_context, name, value)
        for index in range(frames):
            rgb = np.ascontiguousarray(red_and_blue(size)[..., ::-1])
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            if "colorspace" in colours:
                frame = frame.reformat(format=pix_fmt, dst_colorspace=colours["colorspace"])
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mp4", "libx264", "yuv444p"),
        ("a.mkv", "libx264rgb", "rgb24"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mkv", "ffv1", "bgr0"),
        ("a.mov", "png", "rgb24"),
        ("a.avi", "rawvideo", "bgr24"),
        ("a.ts", "mpeg2video", "yuv420p"),
    ],
)
def test_of_a_file_in_any_coding(tmp_path, name, codec, pix_fmt):
    with VideoFile(film(tmp_path / name, codec, pix_fmt)) as video:
        for frame in video:
            assert_red_then_blue(frame.image)


@pytest.mark.parametrize(("size", "matrix"), [((1280, 720), 1), ((128, 96), 6), ((128, 96), 1)])
def test_of_a_file_by_the_matrix_that_it_names(tmp_path, size, matrix):
    """With the other matrix red would be off by more than ten levels."""
    path = film(tmp_path / "a.mp4", "libx264", "yuv444p", size, colorspace=matrix)
    with VideoFile(path) as video:
        frame = next(iter(video))
    assert_red_then_blue(frame.image, tolerance=8)


def test_of_a_phones_turned_file(tmp_path):
    """Turned to the right, what was on the left is on top."""
    turn(film(tmp_path / "a.mp4", "libx264", "yuv420p"), QUARTER_RIGHT)
    with VideoFile(tmp_path / "a.mp4") as video:
        image = next(iter(video)).image
    assert image.shape == (128, 96, 3)
    assert np.abs(image[20, 48].astype(int) - RED).max() < 30
    assert np.abs(image[100, 48].astype(int) - BLUE).max() < 30


class RedAndBlueCamera(Camera):
    """A camera before the picture; `channels` as some drivers give them."""

    channels = 3

    def open(self, device):
        capture = super().open(device)
        image = red_and_blue(self.size)
        if self.channels == 4:
            image = np.concatenate([image, np.full((*image.shape[:2], 1), 255, np.uint8)], axis=2)
        capture.retrieve = lambda: (True, image)
        return capture


@pytest.mark.parametrize("channels", [3, 4])
def test_of_a_camera(channels):
    camera = RedAndBlueCamera((128, 96))
    camera.channels = channels
    reader = CameraReader(0, CameraMode(), 1.0, camera.open)
    assert_red_then_blue(reader.read().image, tolerance=0)
    reader.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    """Where the files of the test's folder can be received."""
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"), [("a.ts", "mpeg2video", "yuv420p"), ("a.mkv", "mjpeg", "yuvj420p")]
)
def test_of_a_network_stream(tmp_path, address, name, codec, pix_fmt):
    film(tmp_path / name, codec, pix_fmt)
    reader = StreamReader(f"{address}/{name}", 20, 5, threading.Event())
    for _ in range(3):
        assert_red_then_blue(reader.read().image)
    reader.close()


def test_of_a_clip_that_tests_make(tmp_path):
    """The clips of all other tests have a blue bar, which their readers insist on."""
    clip(tmp_path / "a.mp4", 2)
    with VideoFile(tmp_path / "a.mp4") as video:
        image = next(iter(video)).image.astype(int)
    assert image[44, 32, 0] - image[44, 32, 2] > 120
