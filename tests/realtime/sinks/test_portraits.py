"""Portraits: each person's sharpest frontal picture, and none where faces are to be hidden."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.portraits import Portraits
from tests.helpers.mp4_roundtrip import INFO
from tests.helpers.results import face, result

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


def shown(index, colour, sharp, turned=0.0, track=1):
    """A face of one colour with stripes, more or less sharp, and its nose off the middle."""
    image = np.full((200, 200, 3), colour, np.uint8)
    image[:, ::4] = (255, 255, 255)
    image = cv2.GaussianBlur(image, (0, 0), 0.3 if sharp else 4)
    points = np.zeros((478, 2), np.float32)
    points[33], points[263], points[1] = (70, 90), (130, 90), (100 + 30 * turned, 120)
    one = replace(face("fear", track, box=Box(50, 50, 100, 100)), points=points)
    frame = result(index).frame
    return EmotionFrame(replace(frame, image=image), (one,))


def sheet(path, *results):
    with Portraits(path) as sink:
        for one in results:
            sink.write(one, one.frame.image)
    return cv2.imread(str(path))


def colour_of(tile):
    return int(np.argmax(tile[60:140, 40:120].reshape(-1, 3).mean(axis=0)))


def test_the_sharpest_and_straightest_is_taken(tmp_path):
    found = sheet(
        tmp_path / "a.jpg",
        shown(0, RED, sharp=False),
        shown(1, GREEN, sharp=True),
        shown(2, BLUE, sharp=True, turned=0.9),
    )
    assert found.shape == (224, 160, 3)
    assert colour_of(found) == 1


def test_each_person_has_a_place_by_number(tmp_path):
    found = sheet(tmp_path / "a.jpg", shown(0, BLUE, True, track=7), shown(1, RED, True, track=2))
    assert found.shape == (224, 320, 3)
    assert (colour_of(found[:, :160]), colour_of(found[:, 160:])) == (2, 0)


def test_nobody_is_a_sheet_too(tmp_path):
    assert sheet(tmp_path / "a.jpg", result(0)).shape == (224, 160, 3)


def test_there_are_none_where_faces_are_hidden(tmp_path):
    with pytest.raises(SinkError, match="--privacy"):
        open_file(tmp_path / "a.jpg", INFO, name="portraits", hidden=lambda one: one.frame.image)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_sheet_is_a_part(tmp_path):
    sink = Portraits(tmp_path / "a.portraits.jpg")
    sink.write(shown(0, RED, True), None)
    assert sink.abort().name == "a.portraits.partial.jpg"
    assert Portraits(tmp_path / "b.jpg").abort() is None
