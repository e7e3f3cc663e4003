"""The parts of what is drawn over a picture, one by one: leads, rooms, the note, numbers of people."""

import numpy as np
import pytest

from emotion.realtime.drawing import overlay
from emotion.realtime.drawing.layout import Placement, Rect, Room, Spot
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.panels import Label, note_sprite
from emotion.realtime.messages import Box, EmotionFrame
from tests.helpers.results import face, result, video_frame

COLOUR = (10, 200, 90)
FACE = Rect(100, 80, 40, 60)


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        (Rect(20, 20, 30, 16), (100, 80), (49, 35)),
        (Rect(110, 20, 20, 16), (120, 80), (120, 35)),
        (Rect(90, 20, 30, 16), (105, 80), (105, 35)),
        (Rect(200, 100, 30, 16), (139, 108), (200, 108)),
        (Rect(20, 200, 30, 16), (100, 139), (49, 200)),
        (Rect(120, 200, 31, 17), (135, 139), (135, 200)),
        (Rect(20, 60, 30, 45), (100, 82), (49, 82)),
    ],
)
@pytest.mark.parametrize(("thickness", "thick"), [(1, 1), (3, 1), (4, 2), (9, 4)])
def test_a_line_leads_from_a_face_to_its_word_by_the_shortest_way(word, start, end, thickness, thick):
    canvas = np.zeros((240, 320, 3), np.uint8)
    mark = overlay._Mark(FACE, FACE, FACE, 8, thickness)
    lead = overlay._lead(mark, word, COLOUR)
    lead.paint(canvas)
    around = lead.rect
    left, right = sorted((start[0], end[0]))
    top, bottom = sorted((start[1], end[1]))
    away = thick + 2
    assert around == Rect(left - away, top - away, right - left + 2 * away + 1, bottom - top + 2 * away + 1)
    for x, y in (start, end):
        assert canvas[y, x, 1] > 100  # its ends are soft
    drawn = np.argwhere(canvas.any(axis=2))
    assert around.left <= drawn[:, 1].min()
    assert drawn[:, 1].max() < around.right
    assert around.top <= drawn[:, 0].min()
    assert drawn[:, 0].max() < around.bottom


def label(width):
    return Label(10, "", "fear", COLOUR, "", False, True, 12, width, 17)


@pytest.mark.parametrize(
    ("side", "along", "left"),
    [
        ("above", 0.0, 50),
        ("above", 0.5, 70),
        ("below", 1.0, 90),
        ("below", 0.25, 60),
        ("right", 0.5, 50),
        ("left", 0.5, 90),
        ("away", 0.0, 50),
    ],
)
def test_a_label_that_is_narrower_than_its_room_stands_on_the_side_of_its_face(side, along, left):
    room = Rect(50, 30, 100, 17)
    filled = overlay._filled(Placement(Spot(2, side, along), room), label(60))
    assert filled == Rect(left, 30, 60, 17)


def drawn(width, height, note, *faces, **options):
    """A black picture, and what is drawn on it."""
    frame = video_frame(0, size=(height, width))
    return Overlay(DrawingOptions(note=note, **options)).draw(EmotionFrame(frame, faces))


def place(image):
    """Left, top, right and bottom of what is drawn; None where nothing is."""
    found = np.argwhere(image.any(axis=2))
    return None if not len(found) else (*found.min(axis=0)[::-1], *(found.max(axis=0) + 1)[::-1])


def test_a_note_stands_in_the_left_bottom_corner_a_gap_away():
    # The size of text is 12.2 pixels; a gap is 0.8, and a note's text 0.8 of it.
    note = note_sprite("a note", 10, 0.8)
    left, top, right, bottom = place(drawn(640, 480, "a note"))
    assert (right - left, bottom - top) == (note.width, note.height)
    assert (left, 480 - bottom) == (10, 10)


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [(640, 480, True), (None, 480, True), (-1, 480, False), (640, 213, True), (640, 212, False)],
)
def test_a_note_takes_three_fifths_of_the_width_and_a_twelfth_of_the_height_at_most(width, height, shown):
    note = note_sprite("a note", 10, 0.8)
    assert note.height == 17  # which is 0.08 of 212.5
    least = int(np.ceil(note.width / 0.6))
    wide = least if width is None else least - 1 if width == -1 else width
    assert (place(drawn(wide, height, "a note", scale=0.5)) is not None) is shown


@pytest.mark.parametrize(
    ("boxes", "corner"),
    [
        ([], (0, 1)),
        ([Box(0, 440, 100, 40)], (1, 1)),
        ([Box(0, 440, 640, 40)], (0, 0)),
        ([Box(0, 440, 640, 40), Box(0, 0, 100, 40)], (1, 0)),
        ([Box(0, 440, 640, 40), Box(0, 0, 640, 40)], None),
    ],
)
def test_a_note_stands_in_the_first_corner_that_is_free(boxes, corner):
    """Bottom left, bottom right, top left, top right."""
    faces = [face("fear", number, box=box) for number, box in enumerate(boxes, 1)]
    with_note, without = (drawn(640, 480, note, *faces, style="label") for note in ("a note", ""))
    found = place((with_note != without).astype(np.uint8))
    note = note_sprite("a note", 10, 0.8)
    if corner is None:
        assert found is None
    else:
        left, top = (640 - 10 - note.width) * corner[0] or 10, (480 - 10 - 17) * corner[1] or 10
        assert found == (left, top, left + note.width, top + 17)


def test_a_note_stays_in_its_corner_while_that_is_free():
    drawing = Overlay(DrawingOptions(note="a note", style="label"))
    low = face("fear", box=Box(0, 440, 100, 40))

    def note_at(*faces):
        image = drawing.draw(EmotionFrame(video_frame(0, size=(480, 640)), faces))
        return [
            side for side, part in (("left", image[450:, :60]), ("right", image[450:, 580:])) if part.any()
        ]

    assert note_at() == ["left"]
    assert "right" in note_at(low)
    assert note_at() == ["right"]


@pytest.mark.parametrize(("later", "numbered"), [(0, True), (5000, True), (5001, False)])
def test_a_person_is_numbered_for_five_seconds_after_the_others_have_left(later, numbered):
    drawing = Overlay(DrawingOptions(note="", style="label"))
    one, two = (face("fear", number, box=Box(200 * number, 100, 60, 80)) for number in (1, 2))

    def reported(pts, *faces):
        frame = result(0, *faces, pts=pts)
        frame = EmotionFrame(video_frame(0, pts, (480, 640)), frame.faces)
        return [one.widget.number for one in drawing.plan(frame)]

    assert reported(1000, one) == [""]
    assert reported(2000, one, two) == ["1", "2"]
    assert reported(2000 + later, one) == ["1" if numbered else ""]


def test_a_gap_is_eight_tenths_of_the_text_and_two_pixels_at_least():
    sizes = {(640, 480): 10, (1280, 720): 13, (96, 72): 5, (8, 8): 4}
    found = {}
    for width, height in sizes:
        frame = EmotionFrame(video_frame(0, size=(height, width)), ())
        found[width, height] = Overlay(DrawingOptions())._room(frame).gap
    assert found == sizes
    frame = EmotionFrame(video_frame(0, size=(8, 8)), ())
    assert Overlay(DrawingOptions(scale=0.5))._room(frame).gap == 2


def test_what_lies_outside_the_picture_was_not_drawn_on():
    room = Room(64, 48, 4, ())
    parts = [
        Rect(5, 6, 7, 8),
        Rect(-20, 5, 10, 10),
        Rect(-20, 5, 20, 10),
        Rect(64, 5, 10, 10),
        Rect(80, 5, 10, 10),
        Rect(5, -20, 10, 10),
        Rect(5, 48, 10, 10),
        Rect(5, 60, 10, 10),
        Rect(-3, 40, 10, 20),
    ]
    assert list(overlay._inside_of(parts, room)) == [(5, 6, 12, 14), (0, 40, 7, 48)]
