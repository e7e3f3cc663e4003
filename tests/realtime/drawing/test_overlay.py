"""The overlay as a whole: where results stand, and what of the picture stays as it is."""

from bisect import bisect
from dataclasses import replace

import numpy as np
import pytest

from emotion.models.classes import SIX, Emotion
from emotion.realtime.drawing.options import NOTE, DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.panels import colours
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.messages import EmotionFrame
from tests.fakes.decoded import DecodedPicture
from tests.helpers.overlay_faces import QUIET, draw, face, flat, result, shares

COLOURS = colours(SIX)[:-1]


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def touched(before, after):
    """Left, top, right and bottom of what differs between two pictures, or None."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    if not rows.size:
        return None
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def count(image, colour):
    return int((image == np.array(colour)).all(axis=2).sum())


def test_the_frame_stays_as_it_is():
    image = noise(480, 640)
    before = image.copy()
    drawn = draw(image, face())
    np.testing.assert_array_equal(image, before)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert not np.shares_memory(drawn, image)
    assert drawn.flags.writeable
    assert touched(image, drawn)


def test_without_faces_only_the_note_is_drawn():
    image = noise(480, 640)
    np.testing.assert_array_equal(draw(image), image)
    left, top, right, bottom = touched(image, draw(image, options=DrawingOptions()))
    assert right < 320
    assert top > 440
    assert left > 0
    assert bottom < 480


SIZES = [(360, 640), (480, 854), (1080, 1920), (640, 360), (120, 160)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2, 3, 6, 20])
def test_no_face_is_covered(size, count):
    height, width = size
    image = noise(height, width)
    columns = min(count, 5)
    side = 0.45 * min(width / columns, height / (1 + count // 6))
    boxes = [
        ((index % 5 + 0.3) * width / columns, (index // 5 + 0.2) * height / 4 + 0.3, side, 0.9 * side)
        for index in range(count)
    ]
    drawn = draw(image, *(face(box, index) for index, box in enumerate(boxes, 1)), options=DrawingOptions())
    for left, top, across, down in boxes:
        inside = np.s_[int(top) : int(np.ceil(top + down)), int(left) : int(np.ceil(left + across))]
        np.testing.assert_array_equal(drawn[inside], image[inside])


@pytest.mark.parametrize("second", [(322, 100, 120, 150), (260, 180, 120, 150), (240, 140, 30, 40)])
def test_the_corners_of_one_face_do_not_cross_another(second):
    image = noise(480, 640)
    drawn = draw(image, face((200, 100, 120, 150), 1), face(second, 2))
    for left, top, width, height in ((200, 100, 120, 150), second):
        inside = np.s_[top : top + height, left : left + width]
        np.testing.assert_array_equal(drawn[inside], image[inside])


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("box", [(100, 100, 174, 36), (100, 100, 16, 90), (100, 100, 40, 40), (1, 1, 30, 20)])
def test_the_bend_of_a_corner_stays_off_its_own_face(box, scale):
    image = noise(480, 640)
    drawn = draw(image, face(box), options=DrawingOptions(scale=scale, note=""))
    left, top, width, height = box
    inside = np.s_[top : top + height, left : left + width]
    np.testing.assert_array_equal(drawn[inside], image[inside])
    assert touched(image, drawn)


def test_a_repeated_track_id_covers_nobody_and_is_still_marked():
    # The short label of the first fits above it; the long one of its double would reach the third.
    people = [
        ((100, 200, 100, 100), 1, shares(Emotion.FEAR)),
        ((400, 300, 60, 60), 1, shares(Emotion.HAPPINESS)),
        ((200, 130, 40, 50), 2, shares()),
    ]
    image = noise(480, 640)
    drawn = draw(image, *(face(*each) for each in people), options=DrawingOptions(style="label", note=""))
    for (left, top, width, height), *_ in people:
        inside = np.s_[top : top + height, left : left + width]
        around = np.s_[top - 9 : top + height + 9, left - 9 : left + width + 9]
        np.testing.assert_array_equal(drawn[inside], image[inside])
        assert touched(image[around], drawn[around])
    beyond = np.s_[250:500, 380:640]
    assert touched(image[beyond], drawn[beyond])[1] > 35, "the double has corners and no label"


@pytest.mark.parametrize(("height", "width"), [(480, 854), (1080, 1920), (2160, 3840)])
def test_the_panel_grows_with_the_picture(height, width):
    scale = height / 480
    image = flat(height, width)
    box = (100 * scale, 60 * scale, 160 * scale, 200 * scale)
    drawn = draw(image, face(box))
    beside = np.s_[:, int(box[0] + 1.1 * box[2]) :]
    left, top, right, bottom = touched(image[beside], drawn[beside])
    assert 0.25 < (bottom - top) / height < 0.45
    assert 0.12 < (right - left) / width < 0.3


def test_scale_and_panels_are_options():
    image = flat(1080, 1920)
    areas = {}
    for name, options in {
        "large": DrawingOptions(scale=1.5, note=""),
        "usual": QUIET,
        "labels": DrawingOptions(style="label", note=""),
    }.items():
        drawn = draw(image, face((300, 400, 200, 250)), options=options)
        areas[name] = int((drawn != image).any(axis=2).sum())
    assert areas["large"] > 1.7 * areas["usual"]
    assert areas["labels"] < 0.3 * areas["usual"]


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"scale": float("nan")}, {"opacity": 1.5}])
def test_options_are_checked(wrong):
    with pytest.raises(ValueError, match="|".join(wrong)):
        DrawingOptions(**wrong)


def test_the_note_keeps_off_faces_and_says_what_is_asked():
    image = flat(480, 640)
    overlay = Overlay(DrawingOptions())
    corner = face((10, 300, 150, 170))
    drawn = overlay.draw(result(image, corner))
    assert NOTE == "apparent expressions, not feelings"
    assert touched(image[440:, 400:], drawn[440:, 400:]), "it went to the other corner"
    drawn = overlay.draw(result(image, face((300, 20, 100, 120)), seconds=0.1))
    assert touched(image[440:, 400:], drawn[440:, 400:]), "and it stays there"
    assert touched(drawn, Overlay(DrawingOptions(note="x")).draw(result(image, face((300, 20, 100, 120)))))


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "box",
    [
        (NAN, 10, 20, 20),
        (10, 10, NAN, 20),
        (10, 10, 0, 20),
        (10, 10, 20, 0),
        (10, 10, -20, 20),
        (INF, 10, 20, 20),
        (10, 10, INF, 20),
        (1e300, 1e300, 1e300, 1e300),
        (-1e5, 10, 20, 20),
        (10, 5000, 20, 20),
    ],
)
def test_a_box_that_is_none_is_not_drawn(box):
    image = noise(240, 320)
    np.testing.assert_array_equal(draw(image, face(box)), image)
    assert touched(image, draw(image, face(box), face((100, 60, 60, 80), 2)))


@pytest.mark.parametrize(
    "box",
    [
        (-60, -40, 120, 150),
        (580, 420, 120, 150),
        (-200, -200, 1200, 1200),
        (600, 100, 1e5, 1e5),
        (5, 5, 1, 1),
    ],
)
def test_faces_partly_outside_are_drawn_as_far_as_they_go(box):
    drawn = draw(noise(480, 640), face(box))
    assert drawn.shape == (480, 640, 3)


@pytest.mark.parametrize(
    ("height", "width"), [(0, 0), (1, 1), (1, 640), (640, 1), (2, 3), (48, 64), (120, 160), (1920, 1080)]
)
@pytest.mark.parametrize("faces", [0, 1, 20])
def test_pictures_of_any_size(height, width, faces):
    image = noise(height, width)
    people = [
        face((index * width / 20, index * height / 25, width / 4, height / 4), index)
        for index in range(1, faces + 1)
    ]
    assert draw(image, *people, options=DrawingOptions()).shape == (height, width, 3)


def test_a_tiny_picture_still_shows_the_colour():
    drawn = draw(flat(48, 64), face((20, 12, 24, 28), probabilities=shares(Emotion.ANGER)))
    assert count(drawn, COLOURS[Emotion.ANGER]) > 8


@pytest.mark.parametrize("value", [NAN, INF, -1.0, 7.0])
def test_broken_probabilities_do_not_stop_the_film(value):
    probabilities = np.full(6, value, dtype=np.float32)
    drawn = draw(noise(480, 640), face(probabilities=probabilities, eyes=probabilities, lips=probabilities))
    assert drawn.shape == (480, 640, 3)


def side(overlay, left, seconds, track_id=1):
    """On which side of a face at `left` its panel is drawn."""
    image = flat(480, 640)
    drawn = overlay.draw(result(image, face((left, 100, 120, 150), track_id), seconds=seconds))
    first, _, last, _ = touched(image, drawn)
    return "left" if left - first > last - left - 120 else "right"


@pytest.fixture(scope="module")
def edge():
    """The right-most place of a face with its panel on the right."""
    return bisect(range(250, 500), False, key=lambda left: side(Overlay(QUIET), left, 0.0) == "left") + 249


def test_the_side_is_kept_for_each_person(edge):
    overlay = Overlay(QUIET)
    jitter = [side(overlay, edge + (8 if index % 2 else -8), index / 25) for index in range(20)]
    assert jitter[1:] == ["left"] * 19
    assert side(Overlay(QUIET), edge - 8, 0.0) == "right", "without a past it stands on the right"


@pytest.mark.parametrize(("gap", "expected"), [(0.5, "left"), (2.0, "right"), (-0.5, "right")])
def test_the_side_is_forgotten_when_a_person_is_long_gone(edge, gap, expected):
    overlay = Overlay(QUIET)
    assert side(overlay, edge + 4, 1.0) == "left"
    overlay.draw(result(flat(480, 640), seconds=1.0))
    assert side(overlay, edge - 4, 1.0 + gap) == expected


def test_another_person_does_not_inherit_the_side(edge):
    overlay = Overlay(QUIET)
    assert side(overlay, edge + 4, 0.0, track_id=1) == "left"
    assert side(overlay, edge - 4, 0.1, track_id=2) == "right"


def test_the_same_frame_is_drawn_the_same():
    image, overlay = noise(480, 640), Overlay()
    people = face((60, 100, 90, 120), 1), face((350, 150, 90, 120), 2)
    np.testing.assert_array_equal(overlay.draw(result(image, *people)), overlay.draw(result(image, *people)))


@pytest.mark.parametrize("style", ["panel", "compact", "label", "none"])
def test_a_drawn_picture_knows_where_it_was_drawn_on(style):
    image = noise(480, 640)
    overlay = Overlay(DrawingOptions(style=style, note="a note"), Strip(0.0, 10.0))
    alone, crowd = [(40, 60, 120, 140)], [(20 + 90 * n, 30 + 20 * n, 60, 70) for n in range(6)]
    for boxes in (alone, crowd, []):
        faces = [face(box, track_id=number) for number, box in enumerate(boxes, start=1)]
        drawn = overlay.draw(result(image, *faces))
        rest = np.ones(image.shape[:2], bool)
        for left, top, right, bottom in drawn.parts:
            assert 0 <= left < right <= 640
            assert 0 <= top < bottom <= 480
            rest[top:bottom, left:right] = False
        assert rest.mean() > 0.2
        np.testing.assert_array_equal(drawn[rest], image[rest])
        assert drawn[2:9].parts is None


def test_a_face_is_no_part_of_what_is_drawn_on():
    """A large one would be most of what an encoder has to convert."""
    drawn = Overlay(QUIET).draw(result(noise(480, 640), face((40, 60, 300, 340))))
    rest = np.ones((480, 640), bool)
    for left, top, right, bottom in drawn.parts:
        rest[top:bottom, left:right] = False
    assert rest[60:400, 40:340].all()


def test_a_decoded_picture_is_drawn_on_without_another_copy():
    picture = DecodedPicture(noise(240, 320))
    shown = replace(result(noise(240, 320), face((40, 60, 80, 90))).frame, picture=picture)
    Overlay(QUIET).draw(EmotionFrame(shown, (face((40, 60, 80, 90)),)))
    assert picture.made == ["bgr"]


@pytest.mark.parametrize("style", ["panel", "compact", "label", "none"])
def test_what_is_drawn_for_an_mp4_is_the_same_where_anything_is_drawn(style):
    """Small faces, whose corners bend into them, neighbours, and a timeline over a face."""
    boxes = [
        (300, 200, 14, 16),
        (314, 204, 15, 18),
        (290, 214, 16, 14),
        (330, 196, 14, 15),
        (40, 420, 60, 60),
    ]
    faces = tuple(face(box, track_id=number) for number, box in enumerate(boxes, start=1))
    frame = replace(result(noise(480, 640)).frame, picture=DecodedPicture(noise(480, 640)))
    options = DrawingOptions(style=style, note="a note")
    whole, some = (
        Overlay(options, Strip(0.0, 10.0), partly).draw(EmotionFrame(frame, faces))
        for partly in (False, True)
    )
    assert some.parts == whole.parts
    assert (np.asarray(some) == (255, 0, 255)).all(axis=2).any(), "of a decoded picture all was converted"
    for left, top, right, bottom in whole.parts:
        np.testing.assert_array_equal(some[top:bottom, left:right], whole[top:bottom, left:right])
