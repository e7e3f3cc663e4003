"""A window on the screen and its keys, by OpenCV's highgui.

All of it belongs to one thread, which on some systems has to be the program's first.
"""

import ctypes
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import cv2

from emotion.models.closeable import Closeable
from emotion.models.regions import Image
from emotion.realtime.child_process import environment, python_command
from emotion.realtime.errors import DisplayError

_ADVICE = (
    "run it where there is a desktop, or add --no-window and say where results shall go, "
    "for example -o session.mp4 or -o session.csv."
)
WINDOW_ALONE = "run it where there is a desktop; 'emotion annotate' needs none."
"""Advice if there is no screen and the window is the only output."""
# highgui aborts the process if there is no display, so another process tries it first.
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"
_PROBE_SECONDS = 30


# Minimum size of the window for small pictures.
_LEAST_SIDE = 800


class Key(StrEnum):
    """The action of a key."""

    QUIT = "quit"
    PAUSE = "pause"
    BACK = "back"
    FORWARD = "forward"
    STEP_BACK = "step back"
    STEP = "step"
    FASTER = "faster"
    SLOWER = "slower"
    SCREENSHOT = "screenshot"
    METRICS = "metrics"
    PRIVACY = "privacy"
    HELP = "help"
    MUTE = "mute"
    LOUDER = "louder"
    QUIETER = "quieter"
    BASELINE = "baseline"
    RECORD = "record"
    NEXT_CAMERA = "next camera"


# Arrow keys: X11 and Wayland, Windows, macOS.
_CODES = {
    **dict.fromkeys((ord("q"), ord("Q"), 27), Key.QUIT),
    ord(" "): Key.PAUSE,
    **dict.fromkeys((65361, 2424832, 63234), Key.BACK),
    **dict.fromkeys((65363, 2555904, 63235), Key.FORWARD),
    ord(","): Key.STEP_BACK,
    ord("."): Key.STEP,
    **dict.fromkeys((ord("+"), ord("="), 65451), Key.FASTER),
    **dict.fromkeys((ord("-"), 65453), Key.SLOWER),
    **dict.fromkeys((65362, 2490368, 63232, ord("0")), Key.LOUDER),
    **dict.fromkeys((65364, 2621440, 63233, ord("9")), Key.QUIETER),
    ord("u"): Key.MUTE,
    ord("b"): Key.BASELINE,
    ord("r"): Key.RECORD,
    ord("c"): Key.NEXT_CAMERA,
    ord("s"): Key.SCREENSHOT,
    ord("m"): Key.METRICS,
    ord("p"): Key.PRIVACY,
    **dict.fromkeys((ord("h"), ord("?")), Key.HELP),
}


@dataclass(slots=True)
class Pointer:
    """Mouse events over the picture since the last call.

    Attributes:
        moved: whether it moved.
        clicks: positions at which its left button was pressed or dragged to, in pixels of the picture.
    """

    moved: bool = False
    clicks: list[tuple[int, int]] = field(default_factory=list)


class DisplayProbe(Closeable):
    """Tests, in its own process, whether a window can be opened; it starts at once."""

    def __init__(self, advice: str = _ADVICE) -> None:
        """Args: advice: what to do if no window can be opened."""
        self._advice = advice
        self._process = subprocess.Popen(
            python_command("-c", _PROBE),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def check(self) -> None:
        """Wait for the result.

        Raises:
            DisplayError: no window can be opened here.
        """
        try:
            _, said = self._process.communicate(timeout=_PROBE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise DisplayError(f"The screen does not answer: {self._advice}") from None
        if self._process.returncode:
            headless = "not implemented" in said
            reason = "This OpenCV has no windows" if headless else "There is no screen to open a window on"
            raise DisplayError(f"{reason}: {self._advice}")

    def close(self) -> None:
        """End it, whether the result is known or not."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()


class Window(Closeable):
    """A window that shows one picture after another. Close it, or use it as a context manager.

    Args:
        title: on its frame.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._open = False
        self._pointer = Pointer()

    def show(self, image: Image) -> None:
        """Show a picture; the first one determines the window's initial size.

        Args:
            image: uint8 (h, w, 3), BGR.
        """
        if not self._open:
            self._open = True
            _let_qt_have_its_events()
            flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            cv2.namedWindow(self._title, flags)
            height, width = image.shape[:2]
            scale = max(1.0, _LEAST_SIDE / max(height, width))
            cv2.resizeWindow(self._title, round(scale * width), round(scale * height))
            cv2.setMouseCallback(self._title, self._on_mouse)
        cv2.imshow(self._title, image)

    def pressed(self) -> list[Key]:
        """The key actions since the last call; also draws the picture. Call it often.

        Closing the window is the action to quit.
        """
        found = []
        while self._open and (code := cv2.pollKey()) != -1:
            # The upper bits are modifiers such as Shift.
            key = _CODES.get(code) or _CODES.get(code & 0xFFFF)
            found += [key] if key else []
        if self._open and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            found.append(Key.QUIT)
        return found

    def pointer(self) -> Pointer:
        """The mouse events since the last call."""
        done, self._pointer = self._pointer, Pointer()
        return done

    def _on_mouse(self, event: int, x: int, y: int, flags: int, _: object) -> None:
        """Called by highgui, in the thread that reads keys."""
        self._pointer.moved = True
        if event == cv2.EVENT_LBUTTONDOWN or (
            event == cv2.EVENT_MOUSEMOVE and flags & cv2.EVENT_FLAG_LBUTTON
        ):
            self._pointer.clicks.append((x, y))

    def close(self) -> None:
        """Close the window. May be called again."""
        if self._open:
            self._open = False
            cv2.destroyAllWindows()
            cv2.pollKey()


def _let_qt_have_its_events() -> None:
    """Load the system's own libX11-xcb, so that it is found before the old one in OpenCV's wheels.

    Through it Qt tells libX11 that it alone reads events of the X server. The old one is not compatible with
    a newer libX11, which then consumes some of the events: without a window manager one window in some twenty
    stays black, since Qt does not receive its exposure.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # without X11, or with Wayland alone
            ctypes.CDLL("libX11-xcb.so.1", mode=ctypes.RTLD_GLOBAL)
