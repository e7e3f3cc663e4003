"""A virtual camera without a driver: pyvirtualcam's place is taken by a fake."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from emotion.models.errors import MissingDependencyError
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.virtual_camera import VirtualCameraSink
from tests.helpers.clips import number, picture
from tests.helpers.results import result


class FakeCamera:
    device = "/dev/video9"
    opened = None
    refused = None
    broken = None

    def __init__(self, width, height, fps, fmt, device):
        if self.refused:
            raise RuntimeError(self.refused)
        self.options = (width, height, fps, fmt, device)
        self.sent = []
        self.closed = 0
        type(self).opened = self

    def send(self, frame):
        if self.broken:
            raise RuntimeError(self.broken)
        assert frame.flags.c_contiguous
        assert frame.dtype == np.uint8
        self.sent.append(frame)

    def close(self):
        self.closed += 1


@pytest.fixture
def camera(monkeypatch):
    class Camera(FakeCamera):
        pass

    fake = SimpleNamespace(Camera=Camera, PixelFormat=SimpleNamespace(BGR="BGR"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake)
    return Camera


def test_pictures_are_sent_as_they_are(camera):
    with VirtualCameraSink(64, 48, 25.0, "/dev/video9") as sink:
        for index in range(5):
            sink.write(result(index), picture(index))
        assert sink.name == "/dev/video9"
    assert camera.opened.options == (64, 48, 25.0, "BGR", "/dev/video9")
    assert [number(frame) for frame in camera.opened.sent] == [0, 1, 2, 3, 4]
    assert camera.opened.closed == 1


def test_an_odd_size_is_one_lower(camera):
    sink = VirtualCameraSink(65, 49)
    sink.write(result(0), picture(3, (65, 49)))
    assert camera.opened.options[:2] == (64, 48)
    assert camera.opened.sent[0].shape == (48, 64, 3)
    assert number(camera.opened.sent[0]) == 3


@pytest.mark.parametrize(("size", "bars"), [((128, 48), "rows"), ((64, 96), "columns"), ((32, 24), None)])
def test_another_size_is_fitted_in(camera, size, bars):
    sink = VirtualCameraSink(64, 48)
    sink.write(result(0), np.full((size[1], size[0], 3), 255, np.uint8))
    (frame,) = camera.opened.sent
    assert frame.shape == (48, 64, 3)
    assert (frame[24, 32] == 255).all()
    assert (frame[0].max() == 0) == (bars == "rows")
    assert (frame[:, 0].max() == 0) == (bars == "columns")


def test_without_the_extra_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(MissingDependencyError, match="virtual-camera"):
        VirtualCameraSink(64, 48)


def test_without_a_driver_it_says_which_one(camera):
    camera.refused = "No v4l2 loopback device found"
    with pytest.raises(SinkError, match="modprobe v4l2loopback"):
        VirtualCameraSink(64, 48)


def test_a_camera_that_fails_is_named(camera):
    sink = VirtualCameraSink(64, 48)
    camera.broken = "gone"
    with pytest.raises(SinkError, match=r"/dev/video9 has failed \(gone\)"):
        sink.write(result(0), picture(0))
    sink.abort()
    assert camera.opened.closed == 1


def test_programs_are_told_thirty_frames_a_second_where_nothing_else_is_known(camera):
    VirtualCameraSink(64, 48)
    assert camera.opened.options[2:] == (30.0, "BGR", None)
