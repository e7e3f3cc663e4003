"""Photographs and videos for data sets are read in their colours: crops are as gray as in a stream."""

import av
import numpy as np
import pytest
from PIL import Image

from emotion.models.data.image_io import read_gray, read_photograph, write_png
from emotion.models.data.video_frames import sample_frames
from emotion.models.regions import EYES, crop
from tests.helpers.landmarks import landmarks, without_oval
from tests.helpers.two_colours import assert_red_then_blue, red_and_blue


def photograph(path):
    """Written by a library that takes red first."""
    Image.fromarray(np.ascontiguousarray(red_and_blue((256, 192))[..., ::-1])).save(path, quality=95)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_of_a_photograph(tmp_path, suffix):
    assert_red_then_blue(read_photograph(photograph(tmp_path / f"ä.{suffix}")))


def test_of_what_was_written(tmp_path):
    write_png(tmp_path / "new" / "a.png", red_and_blue())
    assert_red_then_blue(np.asarray(Image.open(tmp_path / "new" / "a.png")), order="RGB", tolerance=0)
    assert_red_then_blue(read_photograph(tmp_path / "new" / "a.png"), tolerance=0)


@pytest.mark.parametrize(("codec", "name"), [("libx264", "a.mp4"), ("mjpeg", "a.avi")])
def test_of_a_video(tmp_path, codec, name):
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=25, width=128, height=96)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for _ in range(5):
            rgb = np.ascontiguousarray(red_and_blue()[..., ::-1])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    frames = list(sample_frames(tmp_path / name, 0))
    assert len(frames) == 5
    for _, image in frames:
        assert_red_then_blue(image, tolerance=40)


def test_red_skin_is_lighter_than_blue_in_crops_of_photographs(tmp_path):
    """As `tests/models/test_crops.py` says of pictures in memory: 76 of 255 for red, 29 for blue."""
    image = read_photograph(photograph(tmp_path / "a.png"))
    eyes = crop(image, without_oval(landmarks(1.0, 0.0, (64.0, 10.0))), EYES).image
    assert eyes[24, 10] == pytest.approx(0.299 * 220 + 0.587 * 20 + 0.114 * 30, abs=2)
    assert eyes[24, 86] == pytest.approx(0.299 * 30 + 0.587 * 20 + 0.114 * 220, abs=2)


def test_gray_is_read_as_it_was_written(tmp_path):
    gray = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    write_png(tmp_path / "a.png", gray)
    np.testing.assert_array_equal(read_gray(tmp_path / "a.png"), gray)
