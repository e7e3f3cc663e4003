"""What each style shows, and what of it fits in a crowd."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.models.classes import SIX
from emotion.models.palette import bgr
from emotion.realtime.drawing.cards import Card, card_for, paint_card, stack
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.panels import Label, PanelPlan, colours
from emotion.realtime.messages import Box, EmotionFrame
from tests.helpers.drawn import find_text, of_colour
from tests.helpers.results import face, video_frame

BOX = Box(300, 200, 150, 180)


def frame(*faces, size=(720, 1280), index=0):
    image = np.full((*size, 3), 90, np.uint8)
    return EmotionFrame(replace(video_frame(index), picture=image), faces)


def reported(*faces, style="panel", size=(720, 1280)):
    return Overlay(DrawingOptions(style=style, note="")).plan(frame(*faces, size=size))


@pytest.mark.parametrize(("style", "kind"), [("panel", PanelPlan), ("compact", Card), ("label", Label)])
def test_each_style_tells_a_lone_face_in_its_own_form(style, kind):
    (one,) = reported(face("fear", box=BOX), style=style)
    assert isinstance(one.widget, kind)


def test_with_no_style_the_picture_stays_as_it_is():
    shown = frame(face("fear", box=BOX))
    drawn = Overlay(DrawingOptions(style="none")).draw(shown)
    np.testing.assert_array_equal(drawn, shown.frame.image)
    assert not np.shares_memory(drawn, shown.frame.image)


def test_a_card_has_one_bar_in_which_each_class_has_its_share():
    shares = np.array([0.5, 0.1, 0.2, 0.0, 0.0, 0.2], np.float32)
    one = replace(face("happiness", box=BOX), probabilities=shares)
    card = card_for(one, 14, numbered=False)
    canvas = np.zeros((card.height, card.width, 3), np.uint8)
    paint_card(canvas, card, 0, 0, one, 1.0)
    row = canvas[card.bar_top + card.bar_height // 2]
    for share, colour in zip(shares, colours(SIX), strict=False):
        width = (row == np.array(colour)).all(axis=1).sum()
        assert width == pytest.approx(share * card.bar_width, abs=2)
    assert find_text(canvas, "happiness", 14, bold=True)
    assert find_text(canvas, "50%", 14)


def test_neighbours_in_a_bar_are_parted_by_the_ground():
    canvas = np.zeros((4, 100, 3), np.uint8)
    stack(canvas, 0, 0, 100, 4, np.array([0.5, 0.5]), ((255, 255, 255), (255, 255, 255)))
    assert np.flatnonzero((canvas[2] == 0).all(axis=1)).tolist() == [49, 99]


def test_a_card_of_whom_nothing_is_known_says_no_shares():
    one = face("fear", box=BOX, label="uncertain", age=float("inf"))
    card = card_for(one, 14, numbered=False)
    canvas = np.zeros((card.height, card.width, 3), np.uint8)
    paint_card(canvas, card, 0, 0, one, 1.0)
    assert not of_colour(canvas, bgr(SIX.on_dark[SIX.index("fear")])).any()


def test_forms_do_not_change_their_room_with_the_word():
    rooms = {reported(face(word, box=BOX), style="label")[0].place.rect for word in ("fear", "happiness")}
    assert len(rooms) == 1


def test_panels_keep_a_row_that_somebody_had():
    """Who turns away has no blendshapes for a moment; their panel keeps its size."""
    overlay = Overlay(DrawingOptions(note=""))
    one = replace(face("fear", box=BOX), blendshapes=face("fear").probabilities)
    heights = [
        overlay.plan(frame(shown, index=index))[0].rect.height
        for index, shown in enumerate((one, replace(one, blendshapes=None), one))
    ]
    assert len(set(heights)) == 1


def test_twelve_faces_at_1080p_all_have_words_that_can_be_read():
    boxes = [Box(60 + 310 * (i % 6), 150 + 480 * (i // 6), 90 + 6 * i, 110 + 7 * i) for i in range(12)]
    people = reported(*(face("fear", i, box=box) for i, box in enumerate(boxes, 1)), size=(1080, 1920))
    assert all(one.widget for one in people)
    sizes = [one.widget.label.size if isinstance(one.widget, Card) else one.widget.size for one in people]
    assert min(sizes) >= 14
    assert isinstance(people[-1].widget, Card | PanelPlan), "near faces get more"


def test_a_line_leads_from_a_face_to_a_word_that_stands_away_and_crosses_no_face():
    ring = [Box(x, y, 66, 66) for x in (20, 102, 184) for y in (20, 102, 184) if (x, y) != (102, 102)]
    middle = Box(102, 102, 66, 66)
    people = [face("fear", 1, box=middle), *(face("anger", i, box=box) for i, box in enumerate(ring, 2))]
    shown = frame(*people, size=(300, 420))
    overlay = Overlay(DrawingOptions(note="", style="label"))
    assert overlay.plan(shown)[0].away
    drawn = overlay.draw(shown)
    for box in (middle, *ring):
        inside = np.s_[int(box.top) : int(box.top + 66), int(box.left) : int(box.left + 66)]
        np.testing.assert_array_equal(drawn[inside], shown.frame.image[inside])
    between = drawn[102:168, 170:182]
    assert (between != 90).any(), "the line passes between two faces"
