"""The timeline along the bottom of a picture."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.models.classes import SIX
from emotion.models.palette import bgr
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.panels import SURFACE
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.drawing.strip import Strip, clock
from emotion.realtime.messages import Box, EmotionFrame
from tests.helpers.drawn import find_text, of_colour
from tests.helpers.results import face, video_frame

SIZE = (480, 640)


def painted(strip, now):
    canvas = np.zeros((*SIZE, 3), np.uint8)
    strip.paint(canvas, now)
    return canvas


def columns(canvas, name):
    """Where there is a class's colour, as shares of the width between the edges."""
    found = np.flatnonzero(of_colour(canvas, bgr(SIX.on_dark[SIX.index(name)]), 2).sum(axis=0) > 8)
    return found / SIZE[1]


def filled(duration=10.0, begin=0.0, until=10.0):
    strip = Strip(begin, duration)
    for index in range(round(until * 25)):
        emotion = "fear" if index < 125 else "anger"
        strip.add(begin + index / 25, (face(emotion),))
    return strip


def test_each_moment_has_its_labels_colour_at_its_place():
    canvas = painted(filled(), 9.9)
    fear, anger = columns(canvas, "fear"), columns(canvas, "anger")
    assert fear.min() < 0.05
    assert fear.max() == pytest.approx(0.5, abs=0.02)
    assert anger.min() == pytest.approx(0.5, abs=0.02)
    assert anger.max() > 0.95


def test_what_has_not_come_yet_is_empty_and_the_mark_is_at_the_present():
    canvas = painted(filled(until=2.5), 2.5)
    assert columns(canvas, "fear").max() == pytest.approx(0.26, abs=0.03)
    marks = np.flatnonzero((canvas > 245).all(axis=2).sum(axis=0) > 10) / SIZE[1]
    assert marks.mean() == pytest.approx(0.26, abs=0.03)


def test_the_axis_says_times_and_their_unit():
    canvas = painted(filled(), 5.0)
    assert find_text(canvas, "min:s", 10)
    assert find_text(canvas, "0:04", 10)


def test_faces_of_a_picture_count_alike():
    strip = Strip(0.0, 1.0)
    strip.add(0.5, (face("fear", 1), face("anger", 2)))
    canvas = painted(strip, 0.9)
    rows = {
        name: np.flatnonzero(of_colour(canvas, bgr(SIX.on_dark[SIX.index(name)]), 2).any(axis=1)).size
        for name in ("fear", "anger")
    }
    assert rows["fear"] == pytest.approx(rows["anger"], abs=2)


def test_uncertain_times_are_hatched_and_without_anybody_there_is_nothing():
    strip = Strip(0.0, 1.0)
    strip.add(0.2, (face("fear", label="uncertain"),))
    empty = Strip(0.0, 1.0)
    empty.add(0.2, ())
    # Between the strip's upper edge and the numbers of its axis, left of the mark.
    hatched, nothing = (
        of_colour(painted(one, 0.9)[436:458, :400], (170, 166, 162), 3) for one in (strip, empty)
    )
    assert hatched.any()
    assert not nothing.any()


def test_of_a_live_source_the_last_minute_is_shown():
    strip = Strip()
    for index in range(100 * 5):
        strip.add(index / 5, (face("fear" if index < 50 * 5 else "anger"),))
    canvas = painted(strip, 100.0)
    assert columns(canvas, "fear").max() == pytest.approx(1 / 6, abs=0.03)
    assert strip.seconds_at(300, *SIZE[::-1]) is None


def test_a_column_stands_for_a_time():
    strip = Strip(3.0, 10.0)
    assert strip.seconds_at(320, 640, 480) == pytest.approx(8.0, abs=0.05)
    assert strip.seconds_at(2, 640, 480) is None


def test_it_covers_no_face_and_no_panel_stands_on_it():
    options = DrawingOptions(note="", draw_timeline=True)
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    low = face("fear", box=Box(250, 360, 100, 110))
    frame = EmotionFrame(replace(video_frame(0), picture=image), (low,))
    drawn = Renderer(options, 0.0, 10.0).draw(frame)
    np.testing.assert_array_equal(drawn[360:470, 250:350], image[360:470, 250:350])
    assert (drawn[470:, :200] != image[470:, :200]).any()
    strip = Strip(0.0, 10.0)
    reported = Overlay(options, strip).plan(frame)
    assert not reported[0].rect.overlaps(strip.rect(640, 480))


@pytest.mark.parametrize("size", [(1, 1), (20, 30), (40, 8), (2160, 3840)])
def test_pictures_of_any_size(size):
    canvas = np.zeros((*size, 3), np.uint8)
    filled().paint(canvas, 1.0)
    Strip().paint(canvas, 0.0)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3725, "1:02:05")])
def test_times_are_written_as_people_do(seconds, text):
    assert clock(seconds) == text


def shown_rows(canvas):
    """By column between the edges of the stack: whether it shows fear."""
    stack = of_colour(canvas, bgr(SIX.on_dark[SIX.index("fear")]), 2)
    return stack.sum(axis=0)[12:-12] > 8


@pytest.mark.parametrize("step", [0.04, 0.1, 0.9, 5.0])
def test_a_picture_holds_until_the_next_however_few_there_are(step):
    strip = Strip(0.0, 60.0)
    moments = np.arange(0, 60.001, step)
    for second in moments:
        strip.add(second, (face("fear"),))
    shown = shown_rows(painted(strip, 0.0))
    # Of two pictures far apart nobody knows yet that the others are, too.
    begin = 0 if step < 1 else round(len(shown) * step / 60) + 1
    assert shown[begin + 5 :].mean() > 0.99


def test_a_pause_is_empty():
    strip = Strip(0.0, 60.0)
    for second in [*np.arange(0, 20, 0.1), *np.arange(40, 60, 0.1)]:
        strip.add(second, (face("fear"),))
    shown = shown_rows(painted(strip, 60.0))
    assert shown[: len(shown) // 3 - 4].mean() > 0.98
    assert not shown[len(shown) // 3 + 4 : 2 * len(shown) // 3 - 4].any()


@pytest.mark.parametrize(
    ("width", "height", "drawn"), [(23, 60, False), (24, 60, True), (80, 38, False), (80, 39, True)]
)
def test_where_there_is_no_room_for_it_nothing_is_drawn(width, height, drawn):
    canvas = np.zeros((height, width, 3), np.uint8)
    filled().paint(canvas, 5.0)
    assert canvas.any() == drawn


@pytest.mark.parametrize(
    ("x", "seconds"), [(11, None), (12, 3.0 + 10 * 0.5 / 616), (627, 13.0 - 10 * 0.5 / 616), (628, None)]
)
def test_the_first_and_the_last_column_stand_for_the_first_and_the_last_moment(x, seconds):
    assert Strip(3.0, 10.0).seconds_at(x, 640, 480) == (seconds and pytest.approx(seconds))


@pytest.mark.parametrize(("gap", "held"), [(1.0, True), (1.05, False)])
def test_a_second_without_a_picture_is_no_pause_yet(gap, held):
    strip = Strip(0.0, 10.0)
    for second in (0.0, gap):
        strip.add(second, (face("fear"),))
    shown = shown_rows(painted(strip, 9.9))
    assert shown[5 : round(0.1 * len(shown)) - 8].all() == held


@pytest.mark.parametrize(("later", "held"), [(4.4, True), (4.6, False)])
def test_pictures_far_apart_hold_for_half_as_long_again(later, held):
    strip = Strip(0.0, 12.0)
    for second in (0.0, 3.0, 3.0 + later):
        strip.add(second, (face("fear"),))
    shown = shown_rows(painted(strip, 0.0))
    part = len(shown) / 12
    assert shown[round(3 * part) + 8 : round((3 + later) * part) - 8].all() == held


def test_of_a_live_source_no_more_than_a_minute_is_kept():
    strip = Strip()
    for second in range(200):
        strip.add(float(second), (face("fear"),))
    assert (min(strip._counts), max(strip._counts)) == (1390, 1990)
    early = painted(strip, 30.0)
    np.testing.assert_array_equal(early, painted(strip, 60.0 - 30.0))


def test_three_faces_have_a_third_each():
    strip = Strip(0.0, 1.0)
    strip.add(0.0, (face("fear", 1), face("fear", 2), face("anger", 3)))
    canvas = painted(strip, 0.9)
    high = {
        name: of_colour(canvas, bgr(SIX.on_dark[SIX.index(name)]), 2)[:, 13].sum()
        for name in ("fear", "anger")
    }
    assert high["fear"] == pytest.approx(2 * high["anger"], abs=2)


def test_a_picture_that_is_added_again_counts_as_it_was():
    once, twice = Strip(0.0, 1.0), Strip(0.0, 1.0)
    for strip, times in ((once, 1), (twice, 2)):
        for _ in range(times):
            strip.add(0.5, (face("fear", 1), face("anger", 2)))
    np.testing.assert_array_equal(painted(once, 0.9), painted(twice, 0.9))


def test_it_lies_on_a_surface_through_which_a_fifth_of_the_picture_shows():
    canvas = np.full((*SIZE, 3), 255, np.uint8)
    Strip(0.0, 10.0).paint(canvas, 5.0)
    top = Strip(0.0, 10.0).rect(640, 480).top
    np.testing.assert_allclose(canvas[top, 3], 0.2 * 255 + 0.8 * np.array(SURFACE), atol=0.51)
    assert (canvas[top - 1] == 255).all()
    # The mark is light, on a dark edge that is a pixel wider on either side.
    row = canvas[top + 10].max(axis=1)
    bright = np.flatnonzero(row == 250)
    assert len(bright) == 2
    assert bright.mean() == pytest.approx(12 + 615 / 2, abs=1)
    assert row[bright[0] - 1] == row[bright[-1] + 1] == max(SURFACE)
