"""Keys and mouse of a video's window: the seek bar, sound, and the ways through the video."""

from collections import deque
from fractions import Fraction

import cv2
import numpy as np
import pytest

from emotion.models.classes import SIX
from emotion.models.palette import bgr
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.drawing.window import Key, Pointer, Window
from emotion.realtime.media import VideoInfo
from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.playback.clock import PlayClock
from emotion.realtime.playback.result_index import IndexedResult
from emotion.realtime.playback.video_view import VideoView
from tests.helpers.drawn import of_colour
from tests.helpers.results import face

WIDTH, HEIGHT = 640, 480
INFO = VideoInfo(
    path=None, width=WIDTH, height=HEIGHT, time_base=Fraction(1, 1000), duration_seconds=10.0, has_audio=True
)


class Player:
    """A player that shows nothing and notes where it is sent."""

    def __init__(self):
        self.clock, self.paused, self.hold = PlayClock(), False, False
        self.news = deque(IndexedResult(index / 10, (face("fear"),)) for index in range(100))
        self.sought = []

    def take(self, timeout):
        raise NothingYetError("not now")

    def again(self):
        return None

    def pause(self, wanted):
        self.paused = wanted

    def seek(self, seconds):
        self.sought.append(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Screen:
    """A screen of which one does nothing but press keys and click."""

    size, privacy = (WIDTH, HEIGHT), "none"

    def __init__(self, *turns):
        self.turns = deque([*turns, [Key.QUIT]])
        self.clicks, self.shown, self.said = [], [], []

    def draw(self, result):
        raise AssertionError("nothing is given")

    def show(self, lines=(), dim=False, paint=None):
        canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        if paint:
            paint(canvas)
        self.shown.append(canvas)
        return self.turns.popleft()

    def pointer(self):
        return Pointer(bool(self.clicks), [self.clicks.pop()] if self.clicks else [])

    def say(self, text):
        self.said.append(text)


class Sound:
    muted, volume = False, 1.0

    def __init__(self):
        self.followed, self.closed = 0, False

    def follow(self):
        self.followed += 1

    def close(self):
        self.closed = True


def test_while_it_stands_the_timeline_of_what_is_known_is_there():
    screen, player = Screen([Key.PAUSE], []), Player()
    VideoView(player, screen, INFO).run()
    fear = bgr(SIX.on_dark[SIX.index("fear")])
    counts = [int(of_colour(canvas, fear, 2).sum()) for canvas in screen.shown]
    assert counts[0] == 0
    assert counts[-1] > 1000


@pytest.mark.parametrize(("y", "seeks"), [(HEIGHT - 20, True), (20, False)])
def test_a_click_in_the_timeline_goes_there(y, seeks):
    screen, player = Screen([]), Player()
    screen.clicks = [(WIDTH // 2, y)]
    VideoView(player, screen, INFO).run()
    assert player.sought == ([pytest.approx(5.0, abs=0.1)] if seeks else [])
    assert (screen.shown[1] > 0).any(), "a mouse that moves brings the timeline"


def test_keys_change_the_sound_and_say_so():
    screen, sound = Screen([Key.QUIETER, Key.QUIETER], [Key.MUTE], [Key.LOUDER]), Sound()
    VideoView(Player(), screen, INFO, sound).run()
    assert screen.said == ["volume 90%", "volume 80%", "sound off", "volume 90%"]
    assert sound.followed
    assert sound.closed


def test_without_sound_its_keys_say_that():
    screen = Screen([Key.MUTE])
    VideoView(Player(), screen, INFO).run()
    assert screen.said == ["no sound"]


def test_the_window_tells_what_the_mouse_did_once():
    window = Window("a window")
    window._on_mouse(cv2.EVENT_MOUSEMOVE, 1, 2, 0, None)
    window._on_mouse(cv2.EVENT_LBUTTONDOWN, 3, 4, 0, None)
    window._on_mouse(cv2.EVENT_MOUSEMOVE, 5, 6, cv2.EVENT_FLAG_LBUTTON, None)
    assert window.pointer() == Pointer(True, [(3, 4), (5, 6)])
    assert window.pointer() == Pointer()


def test_a_strip_has_its_place_at_the_bottom():
    rect = Strip(0.0, 10.0).rect(WIDTH, HEIGHT)
    assert rect.bottom == HEIGHT
    assert rect.height < HEIGHT / 8
