"""What a window shows of a result and what its keys do, with a window that only notes pictures."""

import re

import numpy as np
import pytest
from PIL import Image

from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.window import Key
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.playback.screen import Screen
from tests.helpers.drawn import find_text, text_area
from tests.helpers.results import face, result
from tests.helpers.two_colours import assert_red_then_blue, red_and_blue

KEYS = (("q", "quit"), ("s", "save a picture"))
FIGURES = (("", "in", "out"), ("faces", "1234", "1230"))
SIZE = (640, 480)


class Window:
    """Notes what is shown; `keys` are pressed once."""

    def __init__(self):
        self.shown, self.keys = [], []

    def show(self, image):
        self.shown.append(image.copy())

    def pressed(self):
        keys, self.keys = self.keys, []
        return keys


@pytest.fixture
def window():
    return Window()


def screen(window, **options):
    return Screen(window, keys=KEYS, figures=lambda: FIGURES, options=DrawingOptions(note="", **options))


def frame(image=None, *faces):
    picture = red_and_blue(SIZE) if image is None else image
    plain = result(0)
    return EmotionFrame(type(plain.frame)(0, 0, plain.frame.time_base, 0.0, picture), faces)


def pressed(shown, window, *keys):
    """Show the picture while keys are pressed, and once more to see what they did."""
    window.keys = list(keys)
    left = shown.show()
    shown.show()
    return left, window.shown[-1]


def test_what_is_drawn_is_what_is_shown(window):
    shown = screen(window)
    drawn = shown.draw(frame(None, face("fear", box=Box(200, 150, 120, 150))))
    assert shown.show() == []
    np.testing.assert_array_equal(window.shown[-1], drawn)
    assert_red_then_blue(screen(window).draw(frame()), tolerance=0)
    assert text_area(drawn, "fear", 16, bold=True)


@pytest.mark.parametrize("busy", [False, True])
def test_a_screenshot_is_the_picture_in_its_colours(window, tmp_path, monkeypatch, busy):
    """Read back by a library that wants RGB. What stands over the picture is not on it."""
    monkeypatch.chdir(tmp_path)
    shown = screen(window, show_metrics=busy)
    drawn = shown.draw(frame())
    left, after = pressed(shown, window, Key.SCREENSHOT)
    assert left == []
    (path,) = tmp_path.iterdir()
    assert re.fullmatch(r"emotion-\d{8}-\d{6}\.png", path.name)
    saved = np.asarray(Image.open(path))
    assert_red_then_blue(saved, order="RGB", tolerance=0)
    np.testing.assert_array_equal(saved[..., ::-1], drawn)
    assert find_text(after, f"saved as {path.name}", 12)


def test_two_screenshots_of_one_second_are_two(window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: "emotion-now")
    shown = screen(window)
    shown.draw(frame())
    for _ in range(2):
        pressed(shown, window, Key.SCREENSHOT)
    assert {path.name for path in tmp_path.iterdir()} == {"emotion-now.png", "emotion-now-2.png"}


def test_a_screenshot_that_cannot_be_written_is_reported(window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cv2.imwrite", lambda *_: False)
    shown = screen(window)
    shown.draw(frame())
    pressed(shown, window, Key.SCREENSHOT)
    assert "cannot be written here" in shown._notice[0]
    assert not list(tmp_path.iterdir())


def test_a_screenshot_of_hidden_faces_hides_them(window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    shown = screen(window, privacy="blur")
    shown.draw(frame(noise, face("fear", box=Box(200, 150, 120, 150))))
    pressed(shown, window, Key.SCREENSHOT)
    (path,) = tmp_path.iterdir()
    saved = np.asarray(Image.open(path)).astype(int)
    inside = saved[160:290, 210:310]
    assert np.abs(np.diff(inside, axis=1)).mean() < 3


def test_help_and_figures_come_and_go_by_their_keys(window):
    shown = screen(window)
    shown.draw(frame(np.zeros((480, 640, 3), np.uint8)))
    assert not find_text(pressed(shown, window)[1], "Keys", 12, bold=True)
    assert find_text(pressed(shown, window, Key.HELP)[1], "save a picture", 12)
    assert not find_text(pressed(shown, window, Key.HELP)[1], "save a picture", 12)
    assert find_text(pressed(shown, window, Key.METRICS)[1], "1234", 12)
    # Help goes first.
    both = pressed(shown, window, Key.HELP)[1]
    assert find_text(both, "save a picture", 12)
    assert not find_text(both, "1234", 12)


def test_keys_that_are_not_about_the_screen_are_handed_on(window):
    shown = screen(window)
    shown.draw(frame())
    left, _ = pressed(shown, window, Key.HELP, Key.PAUSE, Key.PRIVACY, Key.QUIT)
    assert left == [Key.PAUSE, Key.QUIT]


@pytest.mark.parametrize(
    ("least", "ways"),
    [
        ("none", ["blur", "landmarks", "none"]),
        ("blur", ["landmarks", "blur", "landmarks"]),
        ("landmarks", ["blur", "landmarks", "blur"]),
    ],
)
def test_a_key_hides_faces_in_another_way_and_never_shows_what_was_to_be_hidden(window, least, ways):
    shown = screen(window, privacy=least)
    shown.draw(frame())
    found = []
    for _ in ways:
        pressed(shown, window, Key.PRIVACY)
        found.append(shown.privacy)
    assert found == ways


def test_lines_are_said_the_first_that_is_not_empty(window):
    shown = screen(window)
    shown.draw(frame(np.zeros((480, 640, 3), np.uint8)))
    shown.show(["", "this result is 1.5 s old", "another"])
    assert find_text(window.shown[-1], "this result is 1.5 s old", 12)
    shown.say("something of its own")
    shown.show(["this result is 1.5 s old"])
    assert find_text(window.shown[-1], "something of its own", 12)


def test_a_notice_goes_after_three_seconds(window, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    shown = screen(window)
    shown.draw(frame(np.zeros((480, 640, 3), np.uint8)))
    shown.say("a notice")
    for later, there in ((2.9, True), (3.1, False)):
        now[0] = 100.0 + later
        shown.show()
        assert bool(find_text(window.shown[-1], "a notice", 12)) == there


def test_an_old_picture_is_darker_and_the_drawn_one_stays_as_it_is(window):
    shown = screen(window)
    drawn = shown.draw(frame())
    before = drawn.copy()
    shown.show(dim=True)
    np.testing.assert_array_equal(drawn, before)
    np.testing.assert_allclose(window.shown[-1], 0.45 * before, atol=1)
    shown.show(["a line"])
    np.testing.assert_array_equal(drawn, before)


def test_without_a_window_pictures_are_drawn_all_the_same():
    shown = screen(None)
    assert_red_then_blue(shown.draw(frame()), tolerance=0)
    assert shown.show() == []


def test_before_the_first_picture_nothing_is_shown(window):
    assert screen(window).show() == []
    assert window.shown == []
