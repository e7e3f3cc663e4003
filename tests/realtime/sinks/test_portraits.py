"""Portraits: each person's sharpest frontal picture, and none where faces are to be hidden."""

from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import PIL.Image
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.sinks import portraits
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.portraits import _A_ROW, _MARGIN, Portraits
from tests.fakes.decoded import DecodedPicture
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
            sink.write(one, np.zeros((1, 1, 3), np.uint8))
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


@pytest.mark.parametrize(
    "box", [Box(50, 50, 100, 60), Box(50, 50, 40, 100), Box(-30, 20, 90, 90), Box(150.4, 140.6, 80, 90)]
)
def test_of_a_decoded_picture_only_what_a_portrait_shows_is_made(tmp_path, box):
    image = noise(300, 400)
    one = EmotionFrame(replace(result(0).frame, picture=image), (face("fear", box=box),))
    decoded = replace(one, frame=replace(one.frame, picture=DecodedPicture(image)))
    sheets = [sheet(tmp_path / f"{kind}.jpg", each) for kind, each in (("a", one), ("b", decoded))]
    np.testing.assert_array_equal(*sheets)
    assert set(decoded.frame.picture.made) <= {"bgr", "part of bgr"}


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


@pytest.mark.parametrize(("track", "said"), [(1, "Person 1"), (12, "Person 12"), (None, "no face")])
def test_below_each_picture_stands_who_it_is(track, said):
    wanted = np.full((224, 160, 3), 255, np.uint8)
    cv2.putText(wanted, said, (6, 217), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    np.testing.assert_array_equal(portraits._tile(track, None), wanted)


def noise(height, width):
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("box", "part"),
    [
        (Box(30.6, 20.7, 96.2, 120.1), np.s_[20:140, 30:126]),
        (Box(-30.0, -20.0, 96.0, 120.0), np.s_[0:100, 0:66]),
        (Box(250.0, 190.0, 96.0, 120.0), np.s_[190:, 250:]),
        (Box(30.0, 20.0, 2.0, 2.0), np.s_[20:22, 30:32]),
    ],
)
def test_what_lies_around_a_face_makes_it_no_sharper(box, part):
    image = noise(240, 320)
    alone = image[part]
    whole = Box(0, 0, alone.shape[1], alone.shape[0])
    assert (
        portraits._worth(face("fear", box=box), image) == portraits._worth(face("fear", box=whole), alone) > 0
    )


@pytest.mark.parametrize(
    "box",
    [Box(30, 20, 1, 50), Box(30, 20, 50, 1), Box(400, 20, 50, 50), Box(30, -60, 50, 50), Box(30, 20, -9, 9)],
)
def test_a_face_of_less_than_two_pixels_is_worth_nothing(box):
    assert portraits._worth(face("fear", box=box), noise(240, 320)) == 0


@pytest.mark.parametrize(("height", "width"), [(120, 96), (72, 96)])
def test_a_larger_picture_of_the_same_face_is_no_sharper(height, width):
    image = noise(height, width)
    larger = image.repeat(3, 0).repeat(3, 1)
    one = portraits._worth(face("fear", box=Box(0, 0, width, height)), image)
    assert portraits._worth(face("fear", box=Box(0, 0, 3 * width, 3 * height)), larger) == pytest.approx(one)


@pytest.mark.parametrize(
    ("nose", "straight"),
    [
        ((50, 70), 1.0),
        ((50, 10), 1.0),  # up and down do not count
        ((40, 70), 0.8),
        ((60, 70), 0.8),
        ((30, 70), 0.6),
        ((5, 70), 0.1),
        ((-50, 70), 0.1),
        ((np.nan, 70), 0.1),
    ],
)
def test_a_face_is_straight_when_the_nose_is_halfway_between_the_eyes(nose, straight):
    points = np.full((478, 2), 1000, np.float32)
    points[33], points[263], points[1] = (0, 40), (100, 40), nose
    one = replace(face("fear"), points=points)
    assert portraits._straight(one) == pytest.approx(straight)
    # Also where the head leans.
    leaning = np.stack([points @ (0.6, -0.8), points @ (0.8, 0.6)], axis=1).astype(np.float32)
    assert portraits._straight(replace(one, points=leaning)) == pytest.approx(straight, abs=1e-5)


def test_how_straight_a_face_is_scales_how_sharp_it_is():
    points = np.zeros((478, 2), np.float32)
    points[33], points[263], points[1] = (0, 40), (100, 40), (40, 70)
    one, image = face("fear", box=Box(0, 0, 96, 96)), noise(96, 96)
    straight = portraits._worth(replace(one, points=points), image)
    assert straight == pytest.approx(8 * portraits._worth(one, image))  # without points: a tenth
    points[263] = points[33]
    assert portraits._worth(replace(one, points=points), image) == portraits._worth(one, image)


@pytest.mark.parametrize(
    "box",
    # All have their middle at (150, 140); the portrait is as high as 1.6 boxes, or as wide as 1.6 boxes.
    [Box(105, 77.5, 90, 125), Box(100, 110, 100, 60), Box(150, 140, 0, 0)],
)
def test_a_portrait_is_cut_to_the_pixel(box):
    image = noise(300, 300)
    np.testing.assert_array_equal(portraits._cut(image, box), image[40:240, 70:230])


def test_of_pictures_that_are_equally_sharp_the_first_stays(tmp_path):
    first = shown(0, RED, True)
    image = first.frame.image.copy()
    image[150:] = image[:50] = image[:, :50] = image[:, 150:] = 0
    other = EmotionFrame(replace(first.frame, picture=image), first.faces)
    assert np.array_equal(sheet(tmp_path / "a.jpg", first, other), sheet(tmp_path / "b.jpg", first))
    assert not np.array_equal(sheet(tmp_path / "c.jpg", other), sheet(tmp_path / "b.jpg", first))


def test_the_first_four_hundred_people_have_portraits(tmp_path):
    image = noise(8, 8)
    small = [face("fear", number, box=Box(0, 0, 8, 8)) for number in range(1, 402)]
    sink = Portraits(tmp_path / "a.jpg")
    sink.write(EmotionFrame(replace(result(0).frame, picture=image), tuple(small)), image)
    assert list(sink._people) == list(range(1, 401))
    sink._people.clear()
    assert sink.abort() is None


def test_a_sheet_is_saved_at_quality_ninety(tmp_path):
    sheet(tmp_path / "a.jpg", result(0))
    plain = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    with PIL.Image.open(tmp_path / "a.jpg") as found, PIL.Image.open(BytesIO(plain.tobytes())) as wanted:
        assert found.quantization == wanted.quantization
