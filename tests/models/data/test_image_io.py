"""Photographs that claim much, are damaged, or are none."""

import contextlib
import io
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from emotion.models.data import image_io
from emotion.models.data.image_io import PictureError, bgr_of, read_photograph
from tests.helpers.pictures import damaged_jpeg, png_that_claims, smooth_jpeg


@pytest.fixture
def file(tmp_path):
    return tmp_path / "picture.bin"


def refused(file, data):
    file.write_bytes(data)
    with pytest.raises(PictureError) as error:
        read_photograph(file)
    return str(error.value)


@pytest.mark.parametrize("decoder", ["cv2.imdecode", "emotion.models.data.image_io.flat"])
def test_too_little_memory_is_no_damage(file, decoder, monkeypatch):
    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(decoder, fails)
    picture = io.BytesIO()
    Image.new("RGB", (64, 64)).save(picture, "GIF" if "flat" in decoder else "PNG")
    assert "too little memory" in refused(file, picture.getvalue())


@pytest.mark.parametrize("size", [(60_000, 60_000), (33_000, 33_000), (16_385, 16_384), (2_000_000_000, 1)])
def test_the_size_is_looked_at_before_anything_is_decoded(file, size, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", None)
    assert refused(file, png_that_claims(*size)) == f"too large: {size[0]}x{size[1]} pixels"


@pytest.mark.parametrize("kind", ["BMP", "JPEG", "PNG", "TIFF", "WEBP"])
def test_each_format_tells_its_size(file, kind, monkeypatch):
    data = io.BytesIO()
    Image.new("RGB", (90, 60)).save(data, kind)
    file.write_bytes(data.getvalue())
    assert read_photograph(file).shape == (60, 90, 3)
    monkeypatch.setattr(image_io, "MOST_PIXELS", 5399)
    assert refused(file, data.getvalue()) == "too large: 90x60 pixels"


def half_transparent(mode="RGBA"):
    """A gray picture whose left half is transparent, and black below that."""
    pixels = np.full((40, 60, 4), 120, np.uint8)
    pixels[..., 3] = 255
    pixels[:, :30] = 0
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("PNG", "P"), ("WEBP", "RGBA"), ("TIFF", "RGBA")]
)
def test_what_is_transparent_lies_on_white_in_files_as_in_pictures_of_pillow(file, kind, mode):
    picture = half_transparent(mode)
    picture.save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    image = read_photograph(file)
    assert image[20, 10].tolist() == [255, 255, 255]
    np.testing.assert_allclose(image[20, 50].astype(int), 120, atol=1)
    assert np.array_equal(image, bgr_of(picture))


def test_a_picture_of_16_bits_keeps_its_brightness(file):
    values = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, 0)
    Image.fromarray(values).save(file, "PNG")
    for image in (read_photograph(file), bgr_of(Image.open(file))):
        np.testing.assert_allclose(image[0, :, 1].astype(int), np.arange(256), atol=1)


def test_a_jpeg_that_lost_its_middle_is_damaged(file, capfd):
    assert refused(file, damaged_jpeg()).startswith("damaged: Corrupt JPEG data")
    assert capfd.readouterr().err == ""
    file.write_bytes(smooth_jpeg())
    assert read_photograph(file).shape == (250, 250, 3)


def test_what_stands_between_picture_and_end_mark_is_no_damage(file):
    data = smooth_jpeg()
    file.write_bytes(data[:-2] + bytes(100) + data[-2:])
    assert read_photograph(file).shape == (250, 250, 3)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0" * 9, b"BM"]
)
def test_what_is_no_picture_is_unreadable(file, data):
    assert refused(file, data) == "unreadable"


def test_cut_and_holed_files_never_end_anything(file):
    rng = np.random.default_rng(0)
    whole = []
    for kind in ("BMP", "JPEG", "PNG", "TIFF", "WEBP"):
        data = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(data, kind)
        whole.append(data.getvalue())
    for data in whole:
        for _ in range(40):
            spoilt = bytearray(data)
            for at in rng.integers(0, len(spoilt), 5):
                spoilt[at] = rng.integers(0, 256)
            file.write_bytes(bytes(spoilt[: rng.integers(1, len(spoilt) + 1)]))
            with contextlib.suppress(PictureError):
                assert read_photograph(file).ndim == 3


def test_a_file_that_cannot_be_opened_says_why(tmp_path):
    with pytest.raises(PictureError, match="unreadable: No such file"):
        read_photograph(tmp_path / "gone.png")
    with pytest.raises(
        PictureError, match="unreadable: Is a directory" if os.name == "posix" else "unreadable"
    ):
        read_photograph(tmp_path)
