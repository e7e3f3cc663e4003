"""Frames of which only the size of the picture is known."""

import pickle
from fractions import Fraction

import numpy as np
import pytest

from emotion.realtime.messages import VideoFrame, no_picture
from tests.fakes.decoded import DecodedPicture


def frame(picture):
    return VideoFrame(3, 90, Fraction(1, 30), 1.5, picture)


@pytest.mark.parametrize(
    "picture",
    [np.ones((40, 60, 3), np.uint8), DecodedPicture(np.ones((40, 60, 3), np.uint8))],
    ids=["image", "decoded"],
)
def test_a_frame_without_its_picture_keeps_its_size_and_takes_no_memory(picture):
    whole = frame(picture)
    bare = whole.without_picture()
    assert (whole.has_picture, bare.has_picture) == (True, False)
    assert (bare.shape, bare.seconds, bare.captured_at) == ((40, 60, 3), 3.0, 1.5)
    assert not bare.image.any()
    assert not any(bare.image.strides)


def test_it_is_sent_to_another_process_without_pixels():
    sent = pickle.dumps(frame(no_picture(2000, 3000)))
    assert len(sent) < 1000
    received = pickle.loads(sent)
    assert (received.shape, received.has_picture) == ((2000, 3000, 3), False)
