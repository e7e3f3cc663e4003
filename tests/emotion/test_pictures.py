"""A program's pictures: those that may be reused, those that cannot be read, and their times."""

import io
import math
from datetime import datetime

import cv2
import numpy as np
import pandas as pd
import PIL.Image
import pytest

import emotion
from emotion.fetching import Spool
from emotion.pictures import TimeStamps, as_image, file_of, frames_of

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


class Upload:
    """As of Starlette and FastAPI: it has a name, and is read asynchronously."""

    filename = "upload.jpg"

    async def read(self):
        return b""


def closed():
    file = io.BytesIO(b"x")
    file.close()
    return file


def closed_image():
    image = PIL.Image.new("RGB", (4, 4))
    image.close()
    return image


def cut_image():
    file = io.BytesIO()
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(file, "jpeg")
    return PIL.Image.open(io.BytesIO(file.getvalue()[:-500]))


class WriteOnly(io.BytesIO):
    def readable(self):
        return False


NOT_READ = [
    (Upload, "asynchronously: give what 'await file.read\\(\\)' returns"),
    (closed, "The open file is closed: open it again"),
    (WriteOnly, "for writing only: open it with mode 'rb'"),
    (bytes, "There are no bytes"),
    (lambda: " ", "An empty name is no source"),
    (lambda: "a\0b.mp4", "it has a NUL"),
]


@pytest.mark.parametrize(("made", "said"), NOT_READ)
def test_what_cannot_be_read_is_told_for_pictures_and_videos_alike(made, said):
    with pytest.raises(emotion.SourceError, match=said):
        as_image(made())
    with Spool() as spool, pytest.raises(emotion.SourceError, match=said):
        file_of(made(), spool)


@pytest.mark.parametrize("made", [closed_image, cut_image])
def test_an_image_of_pillow_that_cannot_be_decoded_is_told(made):
    with pytest.raises(emotion.SourceError, match=r"This PIL image cannot be used \(.*: open it again"):
        as_image(made())


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT])
def test_a_missing_value_is_told_to_be_one(missing):
    with pytest.raises(emotion.SourceError, match=r"is no picture: a value is missing in a table"):
        as_image(missing)


def test_the_bytes_of_a_picture_file_in_an_array_are_told_how_to_give_them():
    with pytest.raises(emotion.SourceError, match=r"write array\.tobytes\(\)"):
        as_image(cv2.imencode(".png", PICTURE)[1])


@pytest.mark.parametrize("rgb", [False, True])
def test_an_array_may_be_reused_as_soon_as_it_was_given(rgb):
    mine = PICTURE.copy()
    image = as_image(mine, rgb)
    was = image.copy()
    mine[:] = 0
    np.testing.assert_array_equal(image, was)
    assert image.flags.c_contiguous


def test_frames_of_one_buffer_that_is_refilled_differ():
    def refilled():
        buffer = np.empty_like(PICTURE)
        for value in range(3):
            buffer[:] = value
            yield buffer

    frames = list(frames_of(refilled()))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 1, 2]


def test_times_that_stand_still_are_time_stamps_that_rise():
    stamps = TimeStamps()
    assert [stamps.of(seconds) for seconds in (2, 2.0, 2, 3)] == [2_000_000, 2_000_001, 2_000_002, 3_000_000]


def test_a_time_that_goes_back_is_told_with_both_times_and_what_to_do():
    stamps = TimeStamps()
    stamps.of(1_700_000_000.5)
    said = r"from 1700000000\.500 s to 1700000000\.250 s: .*begin anew"
    with pytest.raises(emotion.SourceError, match=said):
        stamps.of(1_700_000_000.25)


@pytest.mark.parametrize(
    ("time", "shown"),
    [(math.nan, "nan"), (math.inf, "inf"), (-1, "-1"), (1e19, "1e"), (datetime(2026, 1, 1), "datetime")],
)
def test_what_is_no_time_is_told(time, shown):
    with pytest.raises(emotion.SourceError, match=rf"^{shown}.* is no time: it is a number of seconds"):
        TimeStamps().of(time)


def test_a_pair_in_the_other_order_is_told():
    with pytest.raises(emotion.SourceError, match=r"a pair is \(seconds, picture\)"):
        list(frames_of([(PICTURE, 0.5)]))


class Capture:
    """As OpenCV's, with a clock in milliseconds."""

    def __init__(self, times):
        self._times = list(times)
        self._at = -1

    def isOpened(self):  # noqa: N802  OpenCV's name
        return True

    def read(self):
        self._at += 1
        return self._at < len(self._times), PICTURE

    def get(self, _property):
        return self._times[self._at]


@pytest.mark.parametrize(
    ("clock", "seconds"),
    [
        ([0, 500, 500, 900], [0, 0.5, 0.500001, 0.9]),
        ([0, 0, 0], [0, 0.25, 0.5]),
        ([-1, -1], [0, 0.25]),
        ([math.nan, math.nan], [0, 0.25]),
    ],
)
def test_a_capture_whose_clock_stands_still_or_is_none(clock, seconds):
    assert [frame.seconds for frame in frames_of(Capture(clock), fps=4)] == seconds
