"""The window without a screen: OpenCV's highgui is replaced by one that notes what it is told."""

import ctypes
import subprocess
import sys

import cv2
import numpy as np
import pytest

from emotion.realtime.drawing.window import WINDOW_ALONE, DisplayProbe, Key, Pointer, Window
from emotion.realtime.errors import DisplayError


class Highgui:
    """What a user does and sees.

    Attributes:
        shown: pictures, in order.
        size: the window's, as asked for; None while there is no window.
        codes: of keys that wait to be read.
        visible: false once the user has closed the window.
    """

    def __init__(self):
        self.shown, self.size, self.codes, self.visible, self.closed = [], None, [], True, 0

    def namedWindow(self, title, flags):  # noqa: N802
        assert self.size is None, "opened twice"
        self.size, self.flags = (0, 0), flags

    def resizeWindow(self, title, width, height):  # noqa: N802
        self.size = (width, height)

    def imshow(self, title, image):
        self.shown.append(image)

    def pollKey(self):  # noqa: N802
        return self.codes.pop(0) if self.codes else -1

    def getWindowProperty(self, title, what):  # noqa: N802
        return 1.0 if self.visible else 0.0

    def setMouseCallback(self, title, callback):  # noqa: N802
        self.mouse = callback

    def destroyAllWindows(self):  # noqa: N802
        self.closed += 1


@pytest.fixture
def highgui(monkeypatch):
    made = Highgui()
    for name in dir(made):
        if callable(getattr(made, name)) and not name.startswith("_"):
            monkeypatch.setattr(cv2, name, getattr(made, name))
    return made


def picture(width=64, height=48):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_pictures_are_shown_as_they_are(highgui):
    """OpenCV takes blue first, which is the order of every picture here."""
    image = picture()
    with Window("a title") as window:
        window.show(image)
        window.show(image)
    assert [shown is image for shown in highgui.shown] == [True, True]
    assert highgui.closed == 1


@pytest.mark.parametrize(
    ("size", "window"), [((64, 48), (800, 600)), ((48, 64), (600, 800)), ((1280, 720), (1280, 720))]
)
def test_a_small_picture_gets_a_window_in_which_it_can_be_seen(highgui, size, window):
    Window("a title").show(picture(*size))
    assert highgui.size == window
    assert highgui.flags & cv2.WINDOW_NORMAL == cv2.WINDOW_NORMAL
    assert not highgui.flags & cv2.WINDOW_FREERATIO


@pytest.mark.parametrize(("system", "there"), [("linux", True), ("linux", False), ("darwin", True)])
def test_before_the_window_qt_gets_its_events_for_itself(highgui, monkeypatch, system, there):
    loaded = []

    def load(name, mode):
        loaded.append((name, mode, highgui.size))
        if not there:
            raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(sys, "platform", system)
    with Window("a title") as window:
        window.show(picture())
        window.show(picture())
    assert loaded == [("libX11-xcb.so.1", ctypes.RTLD_GLOBAL, None)] * (system == "linux")
    assert len(highgui.shown) == 2


@pytest.mark.parametrize(
    ("code", "key"),
    [
        *((ord(letter), Key.QUIT) for letter in "qQ\x1b"),
        (ord(" "), Key.PAUSE),
        *((code, Key.BACK) for code in (65361, 2424832, 63234)),
        *((code, Key.FORWARD) for code in (65363, 2555904, 63235)),
        (ord(","), Key.STEP_BACK),
        (ord("."), Key.STEP),
        *((code, Key.FASTER) for code in (ord("+"), ord("="), 65451)),
        *((code, Key.SLOWER) for code in (ord("-"), 65453)),
        *((code, Key.LOUDER) for code in (65362, 2490368, 63232, ord("0"))),
        *((code, Key.QUIETER) for code in (65364, 2621440, 63233, ord("9"))),
        (ord("u"), Key.MUTE),
        (ord("b"), Key.BASELINE),
        (ord("r"), Key.RECORD),
        (ord("c"), Key.NEXT_CAMERA),
        (ord("s"), Key.SCREENSHOT),
        (ord("m"), Key.METRICS),
        (ord("p"), Key.PRIVACY),
        (ord("h"), Key.HELP),
        (ord("?"), Key.HELP),
        (0x10000 | ord("+"), Key.FASTER),  # with Shift
        (0x20000 | ord("q"), Key.QUIT),
    ],
)
def test_keys_ask_for_what_they_stand_for(highgui, code, key):
    window = Window("a title")
    window.show(picture())
    highgui.codes = [code]
    assert window.pressed() == [key]
    assert window.pressed() == []


def test_several_keys_come_in_order_and_unknown_ones_not_at_all(highgui):
    window = Window("a title")
    window.show(picture())
    highgui.codes = [ord("h"), ord("x"), ord("."), 0, ord("q")]
    assert window.pressed() == [Key.HELP, Key.STEP, Key.QUIT]


def test_a_window_that_the_user_closes_asks_to_quit(highgui):
    window = Window("a title")
    window.show(picture())
    assert window.pressed() == []
    highgui.visible = False
    assert window.pressed() == [Key.QUIT]


def test_before_the_first_picture_there_is_no_window_and_no_key(highgui):
    with Window("a title") as window:
        highgui.codes = [ord("q")]
        assert window.pressed() == []
    assert (highgui.size, highgui.closed) == (None, 0)


def test_closing_twice_closes_once(highgui):
    window = Window("a title")
    window.show(picture())
    window.close()
    window.close()
    assert highgui.closed == 1
    assert window.pressed() == []


def test_the_mouse_is_followed_in_the_window(highgui):
    with Window("a title") as window:
        window.show(picture())
        highgui.mouse(cv2.EVENT_LBUTTONDOWN, 7, 8, 0, None)
        assert window.pointer() == Pointer(True, [(7, 8)])


@pytest.mark.parametrize(
    ("event", "flags", "clicks"),
    [
        (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_FLAG_LBUTTON, 1),
        (cv2.EVENT_MOUSEMOVE, cv2.EVENT_FLAG_LBUTTON, 1),
        (cv2.EVENT_MOUSEMOVE, 0, 0),
        (cv2.EVENT_MOUSEMOVE, cv2.EVENT_FLAG_RBUTTON, 0),
        (cv2.EVENT_LBUTTONUP, cv2.EVENT_FLAG_LBUTTON, 0),
        (cv2.EVENT_RBUTTONDOWN, cv2.EVENT_FLAG_RBUTTON, 0),
    ],
)
def test_the_left_button_clicks_and_drags_and_others_do_not(highgui, event, flags, clicks):
    with Window("a title") as window:
        window.show(picture())
        assert window.pointer() == Pointer(False, [])
        highgui.mouse(event, 7, 8, flags, None)
        assert window.pointer() == Pointer(True, [(7, 8)] * clicks)
        assert window.pointer() == Pointer(False, [])


class Process:
    """A program that ends as it is told, or hangs."""

    def __init__(self, code, said=""):
        self.code, self.said = code, said
        self.returncode, self.killed, self.waits = None, 0, []

    def communicate(self, timeout=None):
        self.waits.append(timeout)
        if self.code is None and not self.killed:
            raise subprocess.TimeoutExpired("a probe", timeout)
        self.returncode = self.code or 0
        return None, self.said

    def kill(self):
        self.killed += 1


def probe(monkeypatch, *about):
    process = Process(*about)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: process)
    return process, DisplayProbe()


def test_where_a_window_opens_nothing_is_said(monkeypatch):
    process, asked = probe(monkeypatch, 0)
    asked.check()
    asked.close()
    assert (process.killed, process.waits) == (0, [30])


@pytest.mark.parametrize(
    ("code", "said", "reason"),
    [
        (1, "The function is not implemented. Rebuild", "This OpenCV has no windows"),
        (1, "cannot open display", "There is no screen to open a window on"),
        (-6, "", "There is no screen to open a window on"),
        (None, "", "The screen does not answer"),
    ],
)
def test_why_no_window_can_be_opened_is_said(monkeypatch, code, said, reason):
    process, asked = probe(monkeypatch, code, said)
    with pytest.raises(DisplayError, match=f"^{reason}: "):
        asked.check()
    assert process.killed == (code is None)


def test_where_all_that_is_made_is_a_window_nobody_is_advised_to_leave_it_out(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: Process(1, "cannot open display"))
    with pytest.raises(DisplayError, match=r"needs none[.]$") as error:
        DisplayProbe(WINDOW_ALONE).check()
    assert "--no-window" not in str(error.value)


def test_a_probe_that_nobody_asks_is_ended(monkeypatch):
    process, asked = probe(monkeypatch, None)
    asked.close()
    asked.close()
    assert process.killed == 1
