"""The overlay on whole pictures, measured: whose result stands beside whom, in which colour and size."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS, SIX
from emotion.models.palette import PANEL, bgr
from emotion.realtime.drawing.options import NOTE, DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.panels import Content, panel_plan
from emotion.realtime.messages import Box, EmotionFrame
from tests.helpers.drawn import bounds, find_text, ink, largest, of_colour, text_area
from tests.helpers.results import face, sure, video_frame

HEIGHT, WIDTH = 720, 1280
UNIT = 5 + 0.015 * HEIGHT
SIZE = round(UNIT)
HEAD = round(1.3 * SIZE)
QUIET = DrawingOptions(note="")


def draw(*faces, options=QUIET, level=0, size=(HEIGHT, WIDTH)):
    image = np.full((*size, 3), level, np.uint8)
    return Overlay(options).draw(EmotionFrame(replace(video_frame(0), picture=image), faces))


def colour(emotion):
    return bgr(SIX.on_dark[SIX.index(emotion)])


def around(image, box, away=12):
    """A picture of the edge around a box alone."""
    left, top, right, bottom = (
        int(box.left) - away,
        int(box.top) - away,
        int(box.left + box.width) + away,
        int(box.top + box.height) + away,
    )
    cut = np.zeros_like(image)
    cut[top:bottom, left:right] = image[top:bottom, left:right]
    cut[top + away : bottom - away, left + away : right - away] = 0
    return cut


PEOPLE = {
    "fear": Box(150, 250, 150, 180),
    "happiness": Box(560, 250, 150, 180),
    "anger": Box(960, 250, 140, 170),
}


@pytest.mark.parametrize("style", ["panel", "label"])
def test_each_result_stands_beside_its_own_face_in_its_own_colour(style):
    faces = [face(emotion, track, box=box) for track, (emotion, box) in enumerate(PEOPLE.items(), 1)]
    image = draw(*faces, options=DrawingOptions(style=style, note=""))
    for emotion, box in PEOPLE.items():
        others = [other for other in PEOPLE if other != emotion]
        edge = around(image, box)
        assert of_colour(edge, colour(emotion)).sum() > 100
        assert not any(of_colour(edge, colour(other)).any() for other in others)
        sizes = (HEAD, round(1.3 * round(0.84 * UNIT))) if style == "panel" else (SIZE,)
        found = [area for size in sizes for area in find_text(image, emotion, size, bold=True)]
        middle = box.left + box.width / 2
        nearest = min(PEOPLE.values(), key=lambda b: abs(b.left + b.width / 2 - found[0].middle[0]))
        assert nearest is box, f"{emotion} stands at {found[0].middle[0]:.0f}, its face at {middle:.0f}"


def test_corners_stand_at_all_four_corners_of_the_face_and_nowhere_else():
    box = Box(400, 200, 200, 240)
    image = draw(face("surprise", box=box))
    line = of_colour(around(image, box), colour("surprise"))
    area = bounds(line)
    assert (area.left, area.top) == pytest.approx((400 - 10, 200 - 10), abs=9)
    assert (area.right, area.bottom) == pytest.approx((600 + 10, 440 + 10), abs=9)
    # Symmetric, and open in the middle of each side.
    part = area.of(line)
    assert (part == part[::-1]).mean() > 0.99
    assert (part == part[:, ::-1]).mean() > 0.99
    assert not part[:, part.shape[1] // 2].any()
    assert not part[part.shape[0] // 2].any()
    arm = np.flatnonzero(part[:, 0] | part[:, 1])
    assert 0.15 * box.width < np.flatnonzero(np.diff(arm) > 1)[0] < 0.3 * box.width


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
def test_text_has_the_size_that_picture_and_option_ask_for(scale):
    image = draw(face("fear", box=Box(300, 200, 200, 240)), options=DrawingOptions(scale=scale, note=""))
    size = max(10, round(scale * UNIT))
    text_area(image, "eyes", size)
    text_area(image, "fear", round(1.3 * size), bold=True)


def test_without_panels_there_is_a_line_of_label_and_share():
    image = draw(
        face("fear", share=0.75, box=Box(300, 200, 200, 240)), options=DrawingOptions(style="label", note="")
    )
    name, share = text_area(image, "fear", SIZE, bold=True), text_area(image, "75%", SIZE)
    assert name.right < share.left
    assert name.bottom < 200, "above the face"
    assert not find_text(image, "eyes", SIZE)


@pytest.mark.parametrize("opacity", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("what", ["panel", "label", "note"])
def test_opacity_is_that_of_every_surface(what, opacity):
    level = 150
    options = DrawingOptions(
        opacity=opacity, style="panel" if what == "panel" else "label", note=NOTE if what == "note" else ""
    )
    image = draw(face("fear", box=Box(300, 200, 200, 240)), options=options, level=level)
    expected = (1 - opacity) * level + opacity * np.array(bgr(PANEL))
    surface = largest(of_colour(image, np.rint(expected), 2))
    assert surface is not None
    string, size, bold = {
        "panel": ("eyes", SIZE, False),
        "label": ("fear", SIZE, True),
        "note": (NOTE, max(10, round(0.8 * UNIT)), False),
    }[what]
    if opacity > 0.5:  # else letters are hardly brighter than their surface
        text = text_area(image, string, size, bold)
        assert np.abs(image[text.top - 2, text.left].astype(int) - expected).max() <= 2


def test_the_note_is_written_where_it_can_be_read():
    image = draw(options=DrawingOptions())
    size = max(10, round(0.8 * UNIT))
    area = text_area(image, NOTE, size)
    assert area.left < 3 * size
    assert area.bottom > HEIGHT - 3 * size
    assert min(ink(image, area)) > 190
    assert not find_text(draw(options=QUIET), NOTE, size)
    text_area(draw(options=DrawingOptions(note="a trial")), "a trial", size)


def test_several_people_are_numbered_by_their_track_ids():
    faces = [
        face("fear", 3, box=Box(150, 250, 150, 180)),
        face("anger", 8, box=Box(750, 250, 150, 180)),
    ]
    image = draw(*faces)
    three, eight = text_area(image, "person 3", SIZE), text_area(image, "person 8", SIZE)
    assert three.middle[0] < 650 < eight.middle[0]
    assert not find_text(draw(faces[0]), "person 3", SIZE)


def test_eyes_and_lips_that_disagree_are_distinguished_in_the_picture():
    reported = {"eyes": sure("sadness", 0.64), "lips": sure("anger", 0.83)}
    one = replace(face("neutral", box=Box(300, 200, 200, 240)), regions=reported)
    image = draw(one)
    rows = {name: text_area(image, name, SIZE).middle[1] for name in ("eyes", "lips")}
    for region, share, emotion in (("eyes", "64%", "sadness"), ("lips", "83%", "anger")):
        assert text_area(image, share, SIZE).middle[1] == pytest.approx(rows[region], abs=5)
        dot = largest(of_colour(image[:, 550:], colour(emotion), 4))
        assert dot.middle[1] == pytest.approx(rows[region], abs=4)


def test_every_emotion_has_a_row_of_its_own():
    image = draw(face("neutral", box=Box(300, 200, 200, 240)))
    tops = [find_text(image, emotion, SIZE)[0].top for emotion in EMOTIONS]
    assert tops == sorted(tops)


SHARP = DrawingOptions(note="", opacity=1.0)


def surface(image):
    """Where the largest dark surface is."""
    return largest(of_colour(image, bgr(PANEL), 1))


def test_a_panel_keeps_its_distance_to_its_face():
    """Of eight tenths of the text's size, from the corners around the face."""
    box = Box(300, 200, 200, 240)
    image = draw(face("fear", box=box), options=SHARP, level=150)
    corner = bounds(of_colour(around(image, box), colour("fear"), 40))
    # Two pixels of shadow on the outside of the line.
    assert surface(image).left - (corner.right + 2) == pytest.approx(round(0.8 * UNIT), abs=1)


def test_a_panel_keeps_half_that_distance_to_the_edge():
    image = draw(face("fear", box=Box(300, HEIGHT - 60, 200, 50)), options=SHARP, level=150)
    assert HEIGHT - surface(image).bottom == pytest.approx(round(0.8 * UNIT) // 2, abs=1)


def test_nobodys_large_panel_costs_a_neighbour_theirs():
    """Two faces at the edges; between them is room for two small panels, or for a large one."""
    size = round(0.7 * UNIT)
    content = Content.of(face("fear"))
    small = panel_plan(size, True, 3.4, content).width
    large = panel_plan(round(UNIT), True, 5.2, content).width
    gap = 2 * small + 5 * round(0.8 * UNIT)
    assert large < gap < large + small
    width = 2 * 200 + gap
    boxes = Box(10, 200, 175, 330), Box(width - 185, 200, 175, 330)
    faces = [face("fear", track, box=box) for track, box in enumerate(boxes, 1)]
    image = draw(*faces, size=(HEIGHT, width))
    image[:190] = 0
    assert len(find_text(image, "eyes", size)) == 2
