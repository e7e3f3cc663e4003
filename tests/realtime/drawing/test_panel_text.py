"""Names and numbers in panels and labels: which are shown, and that there is room for them."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.models.classes import SIX, Emotion
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.panels import Content, label_for, paint_panel, panel_plan
from emotion.realtime.drawing.sprites import text_width
from emotion.realtime.messages import Box, FaceEmotion
from tests.helpers.overlay_faces import draw, face, flat, result, shares

TWO = Content(SIX, ("eyes", "lips"))


THREE = Content(SIX, ("eyes", "lips", "blendshapes"))


HIDDEN = {"eyes": None, "lips": None}


@pytest.mark.parametrize("label", ["happiness", "uncertain"])
def test_what_leads_is_marked_where_the_label_is_another(label):
    plan = panel_plan(12, False, 5.2, TWO)

    def margin(face):
        """Rows of the panel with something bright before the names."""
        canvas = flat(plan.height, plan.width)
        paint_panel(canvas, plan, 0, 0, face, 1.0)
        return np.flatnonzero((canvas[:, : plan.pad] > 150).all(axis=2).any(axis=1))

    held = replace(face(probabilities=shares(Emotion.FEAR, 0.4)), label=label)
    line = plan.bar_lines[Emotion.FEAR]
    rows = margin(held)
    assert rows.size
    assert line - plan.size <= rows.min() <= rows.max() <= line
    assert not margin(replace(held, label="fear")).size


def test_a_held_label_has_its_own_share():
    probabilities = shares(Emotion.FEAR, 0.36)
    probabilities[Emotion.HAPPINESS] = 0.33
    held = replace(face(probabilities=probabilities), label="happiness")
    assert label_for(held, 12, False, bold=True).percent == "33%"
    assert held.label_share == pytest.approx(0.33)
    assert (held.emotion, held.confidence) == ("fear", pytest.approx(0.36))


@pytest.mark.parametrize("size", [9, 14, 29])
def test_the_blendshapes_row_has_room_for_its_name(size):
    plan = panel_plan(size, False, 0.0, THREE)
    dot = plan.name_left - round(0.45 * size) - max(4, round(0.55 * size))
    assert plan.pad + text_width("blendshapes", size) < dot
    assert plan.name_left + text_width("happiness", size) < plan.right - text_width("100%", size)


@pytest.mark.parametrize("background", [0, 128, 255])
def test_text_stands_out_from_its_panel(background):
    drawn = draw(flat(480, 640, background), face())
    panel = drawn[100:280, 340:525].max(axis=2).astype(float) / 255
    luminance = np.where(panel <= 0.04045, panel / 12.92, ((panel + 0.055) / 1.055) ** 2.4)
    surface, ink = np.median(luminance), luminance.max()
    assert (ink + 0.05) / (surface + 0.05) >= 7


def test_a_label_says_number_emotion_and_per_cent():
    one, two = face(track_id=3), face(track_id=3, probabilities=shares(Emotion.FEAR, 0.5))
    label = label_for(one, 12, numbered=True, bold=False)
    assert (label.number, label.name, label.percent) == ("3", "happiness", "75%")
    assert label_for(two, 12, numbered=False, bold=False).number == ""
    widths = {
        label_for(face(probabilities=shares(share=share)), 12, False, False).width for share in (0.5, 0.87)
    }
    assert len(widths) == 1, "a label does not tremble with its number"


def test_all_text_fits_its_panel():
    for size in (10, 13, 21, 37):
        plan = panel_plan(size, True, 5.2, TWO)
        names = max(text_width(name, size) for name in SIX)
        heads = max(text_width(name, plan.head, bold=True) for name in SIX)
        assert plan.pad + names < plan.bar_left
        assert plan.bar_left + plan.bar_width < plan.right - text_width("100%", size)
        assert plan.name_left + names < plan.right - text_width("100%", size)
        assert plan.pad + 0.75 * size + heads < plan.right - text_width("100%", plan.head, bold=True)
        assert max(plan.bar_lines + plan.prediction_lines) < plan.height


def test_an_uncertain_face_is_marked_in_gray_and_given_no_number():
    unsure = FaceEmotion(
        1, Box(200.0, 100.0, 120.0, 150.0), HIDDEN, None, shares(Emotion.FEAR, 0.3), label="uncertain"
    )
    label = label_for(unsure, 20, numbered=False, bold=True)
    assert (label.name, label.percent) == ("uncertain", "")
    image = np.full((480, 640, 3), 60, np.uint8)
    sure = Overlay().draw(result(image, face(probabilities=shares(Emotion.FEAR, 0.3))))
    drawn = Overlay().draw(result(image, unsure))
    assert not np.array_equal(sure, drawn)
    # Gray corners: no colour of an emotion around the face.
    corner = drawn[92:98, 190:220].astype(int)
    assert np.ptp(corner, axis=2).max() < 20
