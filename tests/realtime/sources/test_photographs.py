"""Photographs: what is one, how it is read, and many of them as frames."""

import io
import os
import sys

import numpy as np
import PIL.Image
import pytest

from emotion.models.data.image_io import bgr_of, is_moving, is_photograph
from emotion.realtime.errors import SourceError
from emotion.realtime.sources.photographs import Photographs, read_picture
from tests.helpers.pictures import damaged_jpeg, moving_pictures, png_that_claims, smooth_jpeg

RED = PIL.Image.new("RGB", (40, 30), (255, 0, 0))


@pytest.mark.parametrize(
    "kind", ["BMP", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP", "AVIF", "JPEG2000"]
)
def test_formats_are_read_in_their_colours(tmp_path, kind):
    path = tmp_path / f"red.{kind.lower()}"
    RED.save(path, kind)
    image = read_picture(path)
    assert (image.shape, image.dtype) == ((30, 40, 3), np.uint8)
    assert np.abs(image.astype(int) - (0, 0, 255)).max() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_pictures_are_turned_upright(tmp_path, kind):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    RED.save(tmp_path / "turned", kind, exif=exif)
    assert read_picture(tmp_path / "turned").shape == (40, 30, 3)


def test_raw_files_of_cameras_are_not_read_and_that_is_said(tmp_path):
    (tmp_path / "a.NEF").write_bytes(b"II*\0" + bytes(100))
    with pytest.raises(SourceError, match=r"a\.NEF is a picture in a format that is not read: save it as"):
        read_picture(tmp_path / "a.NEF")


def test_what_telephones_write_is_read(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason="needs the extra 'heic'")
    heif.register_heif_opener()
    RED.resize((96, 128)).save(tmp_path / "a.heic", "HEIF")
    # Whatever it is called, and without anybody having told Pillow of the format.
    PIL.Image.OPEN.pop("HEIF")
    data = (tmp_path / "a.heic").read_bytes()
    (tmp_path / "b.jpg").write_bytes(data)
    assert is_photograph(io.BytesIO(data))
    for name in ("a.heic", "b.jpg"):
        image = read_picture(tmp_path / name)
        assert image.shape == (128, 96, 3)
        assert np.abs(image.astype(int) - (0, 0, 255)).max() < 12
    (tmp_path / "cut.heic").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"cut\.heic"):
        read_picture(tmp_path / "cut.heic")


@pytest.mark.parametrize(
    ("mode", "colour", "wanted"),
    [
        ("RGBA", (255, 0, 0, 0), 255),
        ("L", 200, 200),
        ("1", 1, 255),
        ("I;16", 65535, 255),
        ("CMYK", (0, 0, 0, 255), 0),
        ("P", 0, 0),
    ],
)
def test_every_mode_of_pillow_becomes_bgr(mode, colour, wanted):
    image = bgr_of(PIL.Image.new(mode, (4, 3), colour))
    assert (image.shape, image.dtype) == ((3, 4, 3), np.uint8)
    assert (image == wanted).all()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no picture"),
        (b"text", "no picture"),
        (damaged_jpeg(), "damaged"),
        (png_that_claims(60_000, 60_000), "too large"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "pip install pillow-heif"),
    ],
)
def test_what_is_no_photograph_is_said_with_its_name(tmp_path, data, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "odd.jpg").write_bytes(data)
    with pytest.raises(SourceError, match=rf"odd\.jpg.*{said}"):
        read_picture(tmp_path / "odd.jpg")


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(SourceError, match="check the path"):
        read_picture(tmp_path / "none.jpg")


def test_beginnings_of_photographs():
    assert is_photograph(io.BytesIO(smooth_jpeg()))
    assert not is_photograph(io.BytesIO(b"\0\0\0\x18ftypisom" + bytes(20)))
    assert not is_photograph(io.BytesIO(b"RIFF\0\0\0\0AVI " + bytes(20)))


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_one_picture_is_a_photograph_and_several_are_a_video(tmp_path, kind):
    one, several = moving_pictures(kind, 1), moving_pictures(kind, 3)
    assert (is_photograph(io.BytesIO(one)), is_moving(io.BytesIO(one))) == (True, False)
    assert (is_photograph(io.BytesIO(several)), is_moving(io.BytesIO(several))) == (False, True)
    path = tmp_path / "a"
    path.write_bytes(several)
    with pytest.raises(SourceError, match="it holds several pictures and is a video"):
        read_picture(path)
    path.write_bytes(one)
    assert read_picture(path).shape == (30, 40, 3)


def test_a_gif_that_breaks_off_is_read_as_far_as_it_goes_as_a_video():
    assert is_moving(io.BytesIO(moving_pictures("GIF", 1)[:-20]))


def test_of_what_is_not_read_as_a_video_the_first_picture_is_a_photograph(tmp_path):
    (tmp_path / "a.webp").write_bytes(moving_pictures("WEBP", 3))
    assert read_picture(tmp_path / "a.webp").shape == (30, 40, 3)


def test_many_are_read_in_order_and_bad_ones_left_out():
    def reader(number):
        if number == 2:
            raise SourceError("bad")
        return np.full((2, 2, 3), number, np.uint8)

    failures = []
    source = Photographs(
        [lambda number=number: reader(number) for number in range(12)],
        lambda index, error: failures.append((index, str(error))),
    )
    frames = list(source)
    assert [frame.index for frame in frames] == [n for n in range(12) if n != 2]
    assert all((frame.image == frame.index).all() for frame in frames)
    assert failures == [(2, "bad")]


def test_reading_ends_when_it_is_closed():
    read = []
    source = Photographs(
        [lambda n=n: read.append(n) or np.zeros((2, 2, 3), np.uint8) for n in range(100)], lambda *_: None
    )
    for _ in source:
        source.close()
    assert len(read) < 10


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "face.jpg")
    with pytest.raises(SourceError, match="is a pipe or a device; save it to a file first"):
        read_picture(tmp_path / "face.jpg")
