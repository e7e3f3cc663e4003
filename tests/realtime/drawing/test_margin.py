"""The margin beside photographs that a face fills."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.benchmarks.studies.panels import Figures
from emotion.realtime.drawing.cards import Label
from emotion.realtime.drawing.margin import with_margin
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.messages import Box, EmotionFrame
from tests.helpers.results import face, video_frame

OPTIONS = DrawingOptions()


def photograph(size, *boxes):
    image = np.full((size[1], size[0], 3), 150, np.uint8)
    faces = tuple(
        replace(face("fear", number, box=box), points=np.full((478, 2), 10, np.float32))
        for number, box in enumerate(boxes, start=1)
    )
    return EmotionFrame(replace(video_frame(0), picture=image), faces)


def filled(width, height):
    return Box(0.02 * width, 0.05 * height, 0.95 * width, 0.94 * height)


@pytest.mark.parametrize("size", [(48, 48), (100, 100), (224, 224), (256, 256), (1000, 1400), (1600, 1000)])
def test_a_face_that_fills_the_photograph_has_its_result_beside_it(size):
    seen = photograph(size, filled(*size))
    assert Overlay().plan(seen)[0].place is None
    widened = with_margin(seen, OPTIONS)
    (placed,) = Overlay().plan(widened)
    assert placed.widget
    assert placed.place
    height, width = widened.frame.shape[:2]
    assert width > size[0]
    assert max(height, width) >= 480
    assert Renderer().draw(widened).shape == (height, width, 3)
    # What is left of the margin is the photograph.
    scale = height / size[1]
    assert (widened.frame.image[:, : int(scale * size[0])] == 150).all()


@pytest.mark.parametrize(("size", "scale"), [((240, 240), 2), ((1000, 1400), 1)])
def test_boxes_and_landmarks_are_those_of_the_larger_picture(size, scale):
    box = filled(*size)
    (one,) = with_margin(photograph(size, box), OPTIONS).faces
    assert (one.box.left, one.box.top, one.box.width, one.box.height) == pytest.approx(
        [scale * value for value in (box.left, box.top, box.width, box.height)]
    )
    np.testing.assert_allclose(one.points, 10 * scale)


def test_a_face_that_reaches_out_of_the_photograph_takes_no_room_in_the_margin():
    beyond, up_to_the_edge = (photograph((100, 100), Box(5, 5, width, 94)) for width in (115, 95))
    drawn = Renderer().draw_photograph(beyond)
    np.testing.assert_array_equal(drawn, Renderer().draw_photograph(up_to_the_edge))
    assert drawn.shape[1] > drawn.shape[0] == 480


def test_a_face_that_reaches_out_of_the_photograph_is_hidden_up_to_the_edge():
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    seen = photograph((100, 100), Box(50, 5, 100, 90))
    seen = replace(seen, frame=replace(seen.frame, picture=image))
    corner = (slice(470, 479), slice(462, 480))  # beyond the oval around the half that the photograph shows
    shown, hidden = (
        Renderer(DrawingOptions(privacy=privacy)).draw_photograph(seen)[corner].astype(float)
        for privacy in ("none", "blur")
    )
    assert (abs(hidden - shown).mean(axis=2) > 3).mean() > 0.8


@pytest.mark.parametrize(
    ("seen", "options"),
    [
        (photograph((640, 480), Box(200, 100, 200, 250)), OPTIONS),
        (photograph((100, 100)), OPTIONS),
        (photograph((100, 100), *[filled(100, 100)] * 5), OPTIONS),
        (photograph((100, 100), filled(100, 100)), DrawingOptions(style="none")),
    ],
    ids=["there is room", "nobody is there", "a crowd", "nothing is drawn"],
)
def test_other_photographs_stay_as_they_are(seen, options):
    assert with_margin(seen, options) is seen


@pytest.mark.parametrize("size", [(100, 100), (256, 256), (480, 640)])
def test_in_a_video_its_label_lies_over_the_chin(size):
    seen = photograph(size, filled(*size))
    (placed,) = Overlay().plan(seen)
    assert isinstance(placed.widget, Label)
    assert not placed.away
    assert placed.rect.top > 0.75 * size[1]
    assert placed.rect.bottom <= size[1]
    assert 0 <= placed.rect.left < placed.rect.right <= size[0]
    rows, columns = slice(placed.rect.top, placed.rect.bottom), slice(placed.rect.left, placed.rect.right)
    assert (Overlay().draw(seen)[rows, columns].max(axis=2) < 100).mean() > 0.3


def test_it_lies_above_the_timeline():
    drawn = Overlay(OPTIONS, Strip(0.0, 10.0))
    (placed,) = drawn.plan(photograph((300, 300), filled(300, 300)))
    assert placed.rect.bottom <= drawn._strip.rect(300, 300).top


@pytest.mark.parametrize(
    "seen",
    [photograph((100, 100), *[filled(100, 100)] * 2), photograph((24, 24), filled(24, 24))],
    ids=["each would cover the other face", "not even a word fits"],
)
def test_where_it_would_not_help_there_is_none(seen):
    assert {placed.widget for placed in Overlay().plan(seen)} == {None}


def test_each_of_two_faces_that_fill_a_video_has_its_label():
    boxes = Box(4, 5, 240, 245), Box(256, 5, 240, 245)
    first, second = Overlay().plan(photograph((500, 256), *boxes))
    for placed in (first, second):
        assert isinstance(placed.widget, Label)
        assert placed.box.left < placed.rect.left < placed.rect.right < placed.box.right
        assert placed.rect.top > 190


def test_a_small_photograph_is_enlarged_even_if_a_word_has_room():
    seen = photograph((90, 90), Box(25, 10, 40, 45))
    assert with_margin(seen, OPTIONS).frame.shape[0] == 480


def test_a_label_on_a_face_is_counted_by_itself():
    figures = Figures()
    figures.add(Overlay().plan(photograph((300, 300), filled(300, 300))), 300, 300)
    assert (figures.labels_on_faces, figures.panels, figures.overlaps, figures.wordless) == (1, 0, 0, 0)
