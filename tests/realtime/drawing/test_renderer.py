"""Faces are hidden before results are drawn, as options say and as they change on the way."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.realtime.drawing.anonymise import Anonymiser
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.messages import Box, EmotionFrame
from tests.helpers.results import face, video_frame

SIZE = (240, 320)


def somebody(index=0):
    picture = np.random.default_rng(index).integers(0, 255, (*SIZE, 3), np.uint8)
    frame = replace(video_frame(index, size=SIZE), picture=picture)
    return EmotionFrame(frame, (face("fear", box=Box(100, 60, 70, 90)),))


def test_by_default_it_draws_and_hides_nothing():
    result = somebody()
    np.testing.assert_array_equal(Renderer().draw(result), Overlay().draw(result))


def test_options_say_how_results_look():
    result, options = somebody(), DrawingOptions(note="", style="label", scale=2.0)
    np.testing.assert_array_equal(Renderer(options).draw(result), Overlay(options).draw(result))
    assert (Renderer(options).draw(result) != Renderer().draw(result)).any()


def test_faces_are_hidden_first_and_results_stay_readable():
    result = somebody()
    drawn = Renderer(DrawingOptions(privacy="blur")).draw(result)
    np.testing.assert_array_equal(drawn, Overlay().draw(Anonymiser("blur").hide(result)))
    assert (drawn != Overlay().draw(result)).any()


def test_another_way_of_hiding_holds_from_the_next_picture_on():
    renderer = Renderer(DrawingOptions(privacy="none"))
    result = somebody()
    plain = renderer.draw(result)
    assert renderer.privacy == "none"
    renderer.privacy = "blur"
    assert renderer.privacy == "blur"
    assert (renderer.draw(result) != plain).any()


@pytest.mark.parametrize("style", ["panel", "none"])
@pytest.mark.parametrize("privacy", ["none", "blur", "landmarks"])
def test_a_picture_with_hidden_faces_is_none_of_the_sources_own(style, privacy):
    """So nobody fills in from the source what was not drawn on."""
    result = somebody()
    drawn = Renderer(DrawingOptions(privacy=privacy, style=style)).draw(result)
    assert (drawn.picture is result.frame.picture) is (privacy == "none")
