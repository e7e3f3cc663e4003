"""Portraits: each person's sharpest frontal picture, and none where faces are to be hidden."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.portraits import _A_ROW, _MARGIN, Portraits
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
    return EmotionFrame(replace(frame, picture=image), (one,))


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


@pytest.mark.parametrize(("left", "top"), [(60, 40), (20, 90), (110, 10)])
def test_a_face_is_in_the_middle_of_its_picture_half_as_high_again_as_its_box(tmp_path, left, top):
    """A dark face on a bright picture: where it lies in the portrait, in pixels."""
    one = shown(0, GREEN, True)
    image = np.full((200, 200, 3), 200, np.uint8)
    image[top : top + 80, left : left + 60] = 20
    image[top : top + 80 : 2, left : left + 60] = 60  # something to be sharp
    seen = replace(one.faces[0], box=Box(left, top, 60, 80))
    tile = sheet(tmp_path / "a.jpg", EmotionFrame(replace(one.frame, picture=image), (seen,)))[:200]
    middle = tile[90:110].mean(axis=(0, 2)), tile[:, 70:90].mean(axis=(1, 2))
    across, down = (np.flatnonzero((line < 100) & (line > 10)) for line in middle)
    assert across.mean() == pytest.approx(80, abs=2)
    assert down.mean() == pytest.approx(100, abs=2)
    assert len(down) == pytest.approx(200 / (1 + 2 * _MARGIN), abs=3)
    assert len(across) / len(down) == pytest.approx(60 / 80, abs=0.05)


@pytest.mark.parametrize("box", [Box(-40, -30, 100, 100), Box(190, 190, 50, 50)])
def test_a_face_at_the_edge_of_the_picture_has_a_portrait_too(tmp_path, box):
    one = shown(0, RED, True)
    seen = replace(one.faces[0], box=box)
    found = sheet(tmp_path / "a.jpg", EmotionFrame(one.frame, (seen,)))
    # The stripes are white: red is full, the others are not.
    blue, _, red = found[:200].reshape(-1, 3).mean(axis=0)
    assert red > 1.2 * blue > 0


def test_more_than_a_row_of_people_begin_another(tmp_path):
    found = sheet(tmp_path / "a.jpg", *(shown(n, RED, True, track=n + 1) for n in range(_A_ROW + 1)))
    assert found.shape == (2 * 224, _A_ROW * 160, 3)
    assert found[224:424, 160:].min() > 200  # the rest of the row is empty
    assert colour_of(found[224:, :160]) == 2


@pytest.mark.parametrize(("faces", "said"), [([1], "Person 1"), ([12], "Person 12"), ([], "nobody")])
def test_below_each_picture_stands_who_it_is(tmp_path, faces, said):
    found = sheet(tmp_path / "a.jpg", *([shown(0, RED, True, track=faces[0])] if faces else [result(0)]))
    wanted = np.full((24, 160, 3), 255, np.uint8)
    cv2.putText(wanted, said, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    assert np.abs(found[200:].astype(int) - wanted).mean() < 6
