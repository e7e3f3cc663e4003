"""What decodes where a device is asked for; there is none here, so libav's is played by others."""

import av
import numpy as np
import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.sources import hardware, opening
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.options import FileOptions
from tests.helpers.clips import clip


@pytest.fixture
def libav(monkeypatch):
    """Notes how files are opened; `working` are the devices that start."""
    monkeypatch.setattr(hardware, "_tried", {})
    monkeypatch.setattr(hardware, "hwdevices_available", lambda: ["vaapi", "cuda", "drm"])
    monkeypatch.setattr(hardware, "HWAccel", lambda name, allow_software_fallback: name)

    class Libav:
        working = ()

        def __init__(self):
            self.opened = []

        def open(self, *args, hwaccel=None, **more):
            self.opened.append(hwaccel)
            if hwaccel is not None and hwaccel not in self.working:
                raise av.ExternalError(1, "no device")
            return av_open(*args, **more)

    av_open = av.open
    found = Libav()
    monkeypatch.setattr(opening.av, "open", found.open)
    return found


def test_libav_decodes_by_itself_unless_asked(tmp_path, libav):
    clip(tmp_path / "clip.mp4", 2)
    libav.working = ("cuda",)
    assert len(list(VideoFile(tmp_path / "clip.mp4"))) == 2
    assert set(libav.opened) == {None}


@pytest.mark.parametrize(("working", "tried"), [("cuda", ["cuda"]), ("vaapi", ["cuda", "vaapi"])])
def test_the_first_device_that_starts_decodes_and_is_remembered(tmp_path, libav, working, tried):
    clip(tmp_path / "clip.mp4", 2)
    libav.opened.clear()
    libav.working = (working,)
    options = FileOptions(decoder="auto")
    VideoFile.of(tmp_path / "clip.mp4", options).close()
    assert libav.opened[: len(tried)] == tried
    libav.opened.clear()
    VideoFile.of(tmp_path / "clip.mp4", options).close()
    assert libav.opened[0] == working


def test_where_none_starts_frames_are_those_of_libav_and_none_is_tried_again(tmp_path, libav):
    clip(tmp_path / "clip.mp4", 3)
    plain = [frame.image for frame in VideoFile(tmp_path / "clip.mp4")]
    libav.opened.clear()
    auto = [frame.image for frame in VideoFile(tmp_path / "clip.mp4", decoder="auto")]
    np.testing.assert_array_equal(auto, plain)
    assert libav.opened[:3] == ["cuda", "vaapi", None]
    libav.opened.clear()
    VideoFile(tmp_path / "clip.mp4", decoder="auto").close()
    assert set(libav.opened) == {None}


def test_a_file_that_is_no_video_says_nothing_of_devices(tmp_path, libav):
    (tmp_path / "text.mp4").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(SourceError, match="not a video"):
        VideoFile(tmp_path / "text.mp4", decoder="auto")
    assert hardware.devices() == ("cuda", "vaapi")
